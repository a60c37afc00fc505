// SPDX-License-Identifier: Apache-2.0
// The latest failures, first on the page: each kind once, with what to do about it.
import { AirflowLink, StateLink } from "../shared/address.js";
import { Chakra, h } from "../shared/h.js";
import { moment } from "../shared/times.js";
import { ACTIONS, counted, nameOf, number, titleOf } from "../shared/words.js";

const { Box, Card, Flex, Heading, List, Text } = Chakra;
const SHOWN = 3;

export function Failures({ data, zone, rows }) {
  const kinds = kindsOf(data.failures);
  if (kinds.length === 0) return null;
  const count = data.totals.failed;
  return h(
    Card.Root,
    { as: "section", "aria-labelledby": "re-failures", size: "sm", borderColor: "border.error", "data-testid": "failures" },
    h(
      Card.Body,
      { gap: 3 },
      h(Heading, { as: "h2", size: "md", id: "re-failures", color: "fg.error" }, counted(count, "failure")),
      h(List.Root, { variant: "plain", gap: 3 }, kinds.slice(0, SHOWN).map((kind) =>
        h(List.Item, { key: kind[0].id }, h(Kind, { kind, zone, rows })))),
      kinds.length > SHOWN &&
        h(Text, { fontSize: "sm" }, h(StateLink, { to: rows({ status: ["failed"] }) }, `Show all ${number(count)}`)),
    ),
  );
}

// Returns the failures that have the same words, together; the newest first.
function kindsOf(failures) {
  const kinds = new Map();
  for (const one of failures) {
    const key = JSON.stringify([one.action, one.title, one.remedy]);
    kinds.set(key, [...(kinds.get(key) ?? []), one]);
  }
  return [...kinds.values()];
}

function Kind({ kind, zone, rows }) {
  const [one] = kind;
  return h(
    Box,
    { borderLeftWidth: 3, borderColor: "border.error", pl: 3, minW: 0 },
    h(
      Flex,
      { gap: 2, wrap: "wrap", align: "baseline" },
      h(Text, { fontWeight: "semibold", color: "fg.error" }, `${titleOf(ACTIONS, one.action)}: ${one.title || titleOf({}, one.reason)}`),
      h(
        Text,
        { fontSize: "sm", color: "fg.muted", wordBreak: "break-word" },
        `${moment(one.as_of, zone)} · `,
        h(StateLink, { to: { view: "person", user_name: one.user_name, user_id: one.user_id } }, nameOf(one)),
        kind.length > 1 && ` and ${number(kind.length - 1)} more`,
        " · ",
        h(StateLink, { to: rows({ status: ["failed"], action: [one.action], reason: [one.reason] }) }, "show all"),
        " · ",
        h(AirflowLink, { path: one.link }, "task log"),
      ),
    ),
    one.message && one.message !== one.title && h(Text, { fontSize: "sm", wordBreak: "break-word" }, one.message),
    one.remedy && h(Text, { fontSize: "sm" }, h(Chakra.Strong, null, "What to do: "), one.remedy),
  );
}
