// SPDX-License-Identifier: Apache-2.0
// What happened: the newest run in words, the people, the runs, and what went wrong.
import { useAddress } from "../shared/address.js";
import { useAnswer } from "../shared/api.js";
import { Chakra, Fragment, h } from "../shared/h.js";
import { PeriodBar, spanOf } from "../shared/period.js";
import { Answer, Nothing } from "../shared/states.js";
import { CallsChart } from "./calls.js";
import { Failures } from "./failures.js";
import { LevelsChart } from "./levels.js";
import { ActionCharts, ConfirmedChart, SecondsChart } from "./runs.js";
import { Latest } from "./latest.js";
import { Totals } from "./totals.js";

const { SimpleGrid, Stack } = Chakra;

export function Overview({ scope, zone }) {
  const { values } = useAddress();
  const span = spanOf(values, scope);
  const common = { dag_id: scope.dag_id ?? values.dag_id, run_id: scope.run_id, org: values.org };
  const known = useAnswer("filters", { dag_id: scope.dag_id });
  const answer = useAnswer("overview", { ...common, ...span });
  // What a mark leads to: the rows behind it, in the same period, DAG and org.
  const rows = (more) => ({
    view: "log", ...(values.days && { days: values.days }), ...span, ...(values.dag_id && { dag_id: values.dag_id }),
    ...(values.org && { org: values.org }), ...more,
  });
  return h(
    Stack,
    { gap: 4 },
    h(PeriodBar, { values, scope, zone, known: known.data }),
    h(Answer, { answer, lines: 8, what: "Reading the action log" }, (data) => h(Found, { data, zone, scope, rows })),
  );
}

function Found({ data, zone, scope, rows }) {
  if (data.runs.length === 0) return h(NoRuns, { scope });
  const common = { data, zone, rows };
  return h(
    Stack,
    { gap: 4 },
    h(Latest, { ...common, isRun: Boolean(scope.run_id) }),
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
    h(Failures, common),
  );
}

function NoRuns({ scope }) {
  if (scope.run_id) {
    return h(Nothing, { title: "This run did nothing to users in Okta" },
      "Only runs with tasks of this provider, such as OktaAddToGroupOperator, have something to show here. "
      + "If it has just started, reload in a moment.");
  }
  if (scope.dag_id) {
    return h(Nothing, { title: "This DAG did nothing to users in Okta in this period" },
      "Choose a longer period. Only DAGs with tasks of this provider have something to show here.");
  }
  return h(Nothing, { title: "No run in this period" },
    h(Fragment, null, "Choose a longer period, or trigger a DAG that acts on users, such as okta_risk_sync."));
}
