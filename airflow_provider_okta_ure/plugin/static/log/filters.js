// SPDX-License-Identifier: Apache-2.0
// The filters of the action log; all of them stand in the address.
import { FILTERS } from "../shared/address.js";
import { Choice, MomentField, Several, TextField } from "../shared/fields.js";
import { Chakra, h, useState } from "../shared/h.js";
import { spanOf } from "../shared/period.js";
import { ACTIONS, LEVELS, STATUSES, titleOf } from "../shared/words.js";

const { Button, Flex, HStack, Stack, Tag } = Chakra;

// Which filters have no field of their own: a mark or a link has set them.
const SET_BY_LINKS = { run_id: "Run", task_id: "Task", user_key: "Key" };
const SEVERAL = [
  ["action", "Action", "actions", (code) => titleOf(ACTIONS, code)],
  ["status", "Status", "statuses", (code) => titleOf(STATUSES, code)],
  ["risk_level", "Risk level", "risk_levels", (code) => titleOf(LEVELS, code)],
];

export function Filters({ values, scope, zone, known, change, reload }) {
  const span = values.days ? spanOf(values, scope) : values;
  const groups = namedApart(known?.groups ?? []);
  const dags = known?.dags ?? [];
  const isFiltered = [...FILTERS, "days"].some((name) => values[name]);
  const [isOpen, setOpen] = useState(false);
  const display = { base: isOpen ? "flex" : "none", md: "flex" };
  return h(
    Stack,
    { as: "form", role: "search", "aria-label": "Filters", gap: 2, onSubmit: (event) => event.preventDefault() },
    h(
      Button,
      { size: "sm", variant: "outline", display: { md: "none" }, "aria-expanded": isOpen, onClick: () => setOpen(!isOpen) },
      `Filters${isFiltered ? " (some are set)" : ""} ${isOpen ? "▾" : "▸"}`,
    ),
    h(
      Flex,
      { gap: 2, wrap: "wrap", align: "end", display },
      h(TextField, { label: "User", value: values.user, placeholder: "Name, login or Okta id", onChange: (user) => change({ user }) }),
      groups.length > 0 &&
        h(Choice, { label: "Group", value: values.group ?? "", options: [["", "All groups"], ...groups], onChange: (group) => change({ group }) }),
      !scope.dag_id && dags.length > 0 &&
        h(Choice, {
          label: "DAG", value: values.dag_id ?? "", options: [["", "All DAGs"], ...dags.map((one) => [one, one])],
          onChange: (dag_id) => change({ dag_id }),
        }),
      !scope.run_id &&
        h(MomentField, { label: "From", value: span.since, zone, onChange: (since) => change({ since, until: span.until, days: null }) }),
      !scope.run_id &&
        h(MomentField, { label: "Until", value: span.until, zone, onChange: (until) => change({ until, since: span.since, days: null }) }),
    ),
    h(
      Flex,
      { gap: 2, wrap: "wrap", align: "end", display },
      h(Choice, {
        label: "Show", value: values.show ?? "", options: [["", "Changes and problems"], ["all", "All entries"]],
        onChange: (show) => change({ show }),
      }),
      SEVERAL.map(([name, label, from, title]) =>
        h(Several, {
          key: name, label, values: values[name], onChange: (next) => change({ [name]: next }),
          options: (known?.[from] ?? []).map((code) => [code, title(code)]),
        })),
      h(Reasons, { values, known, change }),
      h(Button, { type: "button", size: "sm", variant: "outline", onClick: reload }, "Refresh"),
      isFiltered &&
        h(Button, {
          type: "button", size: "sm", variant: "ghost",
          onClick: () => change(Object.fromEntries([...FILTERS, "days"].map((name) => [name, null]))),
        }, "Clear"),
    ),
    h(FromLinks, { values, scope, change }),
  );
}

function FromLinks({ values, scope, change }) {
  const set = Object.keys(SET_BY_LINKS).filter((name) => values[name] && !scope[name]);
  if (set.length === 0) return null;
  return h(
    HStack,
    { gap: 2, wrap: "wrap" },
    set.map((name) =>
      h(
        Tag.Root,
        { key: name, size: "lg", maxW: "100%" },
        h(Tag.Label, null, `${SET_BY_LINKS[name]}: ${values[name]}`),
        h(Tag.EndElement, null, h(Tag.CloseTrigger, {
          "aria-label": `Remove the filter ${SET_BY_LINKS[name]}`, onClick: () => change({ [name]: null }),
        })),
      )),
  );
}

// Several codes can have the same words; they are chosen together.
function Reasons({ values, known, change }) {
  const chosen = values.reason ?? [];
  const reasons = known?.reasons ?? [];
  const isChosen = ({ codes }) => codes.some((code) => chosen.includes(code));
  return h(Several, {
    label: "Reason", values: reasons.filter(isChosen).map(({ title }) => title),
    onChange: (titles) => change({ reason: reasons.filter(({ title }) => titles.includes(title)).flatMap(({ codes }) => codes) }),
    options: reasons.map(({ title }) => [title, title]),
  });
}

// Groups of the same name in several orgs are told apart by the org, in one org by the id.
function namedApart(groups) {
  const isAlone = (key, one) => groups.filter((other) => key(other) === key(one)).length === 1;
  return groups.map((one) => {
    if (isAlone(({ name }) => name, one)) return [one.id, one.name];
    const detail = isAlone(({ name, org }) => `${name} ${org}`, one) ? one.org : one.id;
    return [one.id, `${one.name} (${detail})`];
  });
}
