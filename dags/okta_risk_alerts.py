"""
### Alerts and tickets about users at risk

Okta is left alone. Every day, this DAG finds the users whose score has fallen, records them, and hands
**all** of them to the task that alerts:

| task | does |
|---|---|
| `fetch_scores` | User Confidence Index, 0..1000, **higher is safer**, of those the rule matches |
| `filter_alerts` | the users that `alert_rule` matches; by default who was not at risk the day before |
| `map_levels` | their levels |
| `record` | writes each match to the action log, and returns all of them as rows |
| `alert` | makes one alert for each row; **put your ticket system, chat or mail here** |

A run of the same day does it all again, so give your system something to recognize a ticket by: the `key`
of an alert is the same for the same user and day.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable, Param, task

from airflow_provider_okta_ure.operators.netskope import NetskopeFetchScoresOperator
from airflow_provider_okta_ure.operators.okta import OktaNoActionOperator
from airflow_provider_okta_ure.operators.rules import RiskFilterOperator, RiskMapLevelsOperator

with DAG(
    dag_id="okta_risk_alerts",
    # A data interval of one UTC day, like Netskope's scores; a plain cron string would make it zero seconds.
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=2)},
    doc_md=__doc__,
    tags=["netskope", "risk", "alert"],
    params={
        "alert_rule": Param(
            "score <= 250 and (previous_score ?? 1000) > 250",
            type="string",
            minLength=1,
            title="Alert about",
            description="Higher scores are safer. Without its second part there is an alert every day.",
        ),
        "scores_as_of": Param(
            "now",
            type="string",
            enum=["now", "interval"],
            values_display={"now": "Now", "interval": "The end of the data interval"},
            title="Scores as of",
            description="Of a manual run. Now: when it is triggered, whatever logical date the dialog fills "
            "in. Scheduled runs and backfills always use the end of their data interval.",
        ),
    },
) as dag:
    fetch_scores = NetskopeFetchScoresOperator(task_id="fetch_scores", keep="{{ params.alert_rule }}")
    filter_alerts = RiskFilterOperator(
        task_id="filter_alerts", rows=fetch_scores.output, rule="{{ params.alert_rule }}"
    )
    map_levels = RiskMapLevelsOperator(task_id="map_levels", rows=filter_alerts.output)
    # A report holds ten examples; whoever acts on the matches needs all of them.
    record = OktaNoActionOperator(task_id="record", rows=map_levels.output, return_rows=True)

    # The log of the task would show the names of all users.
    @task(show_return_value_in_logs=False)
    def alert(rows: Any) -> list[dict[str, Any]]:
        """Make one alert for each row."""
        # Here, for example: JiraHook(...).create_issue(...), or one message with all of them.
        return [
            {
                "key": f"{row['user']} {row['score_at']}",
                "title": f"{row['user']}: user confidence {row['score']} of 1000 ({row['score_level']})",
                "text": f"Before: {row['previous_score']}. Because of the rule {row['rule']}.",
            }
            for row in rows
        ]

    alert(record.output)
