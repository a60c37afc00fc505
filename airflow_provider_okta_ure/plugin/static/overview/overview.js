// SPDX-License-Identifier: Apache-2.0
// What happened: what went wrong, the latest run in words, the users and the runs.
import { useAddress } from "../shared/address.js";
import { useAnswer } from "../shared/api.js";
import { Chakra, h } from "../shared/h.js";
import { PeriodBar, spanOf, wrongDateOf } from "../shared/period.js";
import { Answer, Nothing, WrongDate } from "../shared/states.js";
import { CallsChart } from "./calls.js";
import { Failures } from "./failures.js";
import { LevelsChart } from "./levels.js";
import { ActionCharts, ConfirmedChart, SecondsChart } from "./runs.js";
import { Latest } from "./latest.js";
import { Approval } from "./notices.js";
import { Revert, RevertedBy } from "./revert.js";
import { Totals } from "./totals.js";

const { SimpleGrid, Stack } = Chakra;

export function Overview({ scope, zone }) {
  const { values, go } = useAddress();
  const span = spanOf(values, scope);
  const wrong = scope.run_id ? null : wrongDateOf(values);
  const common = { dag_id: scope.dag_id ?? values.dag_id, run_id: scope.run_id, org: values.org };
  const known = useAnswer("filters", { dag_id: scope.dag_id });
  const answer = useAnswer(wrong ? null : "overview", { ...common, ...span });
  // What a mark leads to: the rows behind it, in the same period, DAG and org.
  const rows = (more) => ({
    view: "log", ...(values.days && { days: values.days }), ...span, ...(values.dag_id && { dag_id: values.dag_id }),
    ...(values.org && { org: values.org }), ...more,
  });
  return h(
    Stack,
    { gap: 4 },
    h(PeriodBar, { values, scope, zone, known: known.data, reload: answer.reload }),
    wrong
      ? h(WrongDate, { name: wrong, value: values[wrong], forget: () => go({ ...values, [wrong]: null }) })
      : h(Answer, { answer, lines: 8, what: "Loading the action log" }, (data) => h(Found, { data, zone, scope, rows })),
  );
}

function Found({ data, zone, scope, rows }) {
  if (data.runs.length === 0) return h(NoRuns, { scope });
  const common = { data, zone, rows };
  return h(
    Stack,
    { gap: 4 },
    h(Failures, common),
    (data.waiting ?? []).map((one) => h(Approval, { key: `${one.dag_id} ${one.run_id} ${one.task_id} ${one.map_index}`, one, zone, isNamed: true })),
    scope.run_id && h(RevertedBy, { runs: data.reverted_by, zone }),
    h(Latest, { ...common, isRun: Boolean(scope.run_id) }),
    scope.run_id && h(Revert, { revert: data.revert }),
    h(Totals, common),
    h(
      SimpleGrid,
      { columns: { base: 1, lg: 2 }, gap: 4 },
      !scope.run_id && h(LevelsChart, common),
      !scope.run_id && h(ConfirmedChart, common),
      h(ActionCharts, common),
      h(SecondsChart, common),
      h(CallsChart, common),
    ),
  );
}

function NoRuns({ scope }) {
  if (scope.run_id) {
    return h(Nothing, { title: "This run has recorded nothing" },
      "Only tasks of this provider, such as OktaAddToGroupOperator, record what they do. "
      + "If the run has just started, refresh in a moment; if a task failed before it could decide, its log says why.");
  }
  if (scope.dag_id) {
    return h(Nothing, { title: "This DAG has recorded nothing in this period" },
      "Choose a longer period. Only tasks of this provider, such as OktaAddToGroupOperator, record what they do.");
  }
  return h(Nothing, { title: "No runs in this period" },
    "Choose a longer period, or trigger a DAG that acts on users, such as okta_risk_sync.");
}
