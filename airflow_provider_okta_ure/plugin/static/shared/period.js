// SPDX-License-Identifier: Apache-2.0
// Choosing a period, a DAG and an org: for a whole view, kept in the address.
import { useAddress } from "./address.js";
import { Choice, MomentField } from "./fields.js";
import { Chakra, h } from "./h.js";
import { daysAgo, isMoment } from "./times.js";

const { Button, Flex } = Chakra;
// Not an object, which would put 90 before "today".
const PRESETS = [["0", "Today"], ["7", "Last 7 days"], ["30", "Last 30 days"], ["90", "Last 90 days"], ["custom", "Custom"]];
const isPreset = (days) => PRESETS.some(([one]) => one === days) && days !== "custom";
const DEFAULT_DAYS = "30";

// Returns since and until as the routes want them; a run is its own period.
export function spanOf(values, scope) {
  if (scope.run_id) return {};
  if (values.since || values.until) return { since: values.since, until: values.until };
  return { since: daysAgo(Number(isPreset(values.days) ? values.days : DEFAULT_DAYS)) };
}

// Returns which part of the address should be a date and is not, or null.
export const wrongDateOf = (values) => ["since", "until"].find((name) => values[name] && !isMoment(values[name])) ?? null;

// known is the answer of the route "filters"; without it there is only the period to choose.
export function PeriodBar({ values, scope, zone, known, reload }) {
  const { go } = useAddress();
  const change = (next) => go({ ...values, ...next });
  const isCustom = Boolean(values.since || values.until);
  const choose = (days) =>
    days === "custom"
      ? change({ since: spanOf(values, scope).since, days: null })
      : change({ days, since: null, until: null });
  const dags = known?.dags ?? [];
  const orgs = known?.orgs ?? [];
  return h(
    Flex,
    { as: "form", "aria-label": "What is shown", gap: 3, wrap: "wrap", align: "end", onSubmit: (event) => event.preventDefault() },
    !scope.run_id &&
      h(Choice, { label: "Period", value: isCustom ? "custom" : isPreset(values.days) ? values.days : DEFAULT_DAYS, options: PRESETS, onChange: choose }),
    isCustom && !scope.run_id &&
      h(MomentField, { label: "From", value: values.since, zone, onChange: (since) => change({ since }) }),
    isCustom && !scope.run_id &&
      h(MomentField, { label: "Until", value: values.until, zone, onChange: (until) => change({ until }) }),
    !scope.dag_id && dags.length > 1 &&
      h(Choice, {
        label: "DAG", value: values.dag_id ?? "", onChange: (dag_id) => change({ dag_id }),
        options: { "": "All DAGs", ...Object.fromEntries(dags.map((one) => [one, one])) },
      }),
    orgs.length > 1 &&
      h(Choice, {
        label: "Org", value: values.org ?? "", onChange: (org) => change({ org }),
        options: { "": "All orgs", ...Object.fromEntries(orgs.map((one) => [one, one])) },
      }),
    reload && h(Button, { type: "button", size: "sm", variant: "outline", onClick: reload }, "Refresh"),
  );
}
