// SPDX-License-Identifier: Apache-2.0
// The latest failures, each with what to do about it.
import { AirflowLink, StateLink } from "../shared/address.js";
import { Chakra, h } from "../shared/h.js";
import { moment } from "../shared/times.js";
import { ACTIONS, nameOf, titleOf } from "../shared/words.js";

const { Box, Card, Flex, Heading, List, Text } = Chakra;

export function Failures({ data, zone, rows }) {
  const { failures } = data;
  return h(
    Card.Root,
    { as: "section", "aria-labelledby": "re-failures", size: "sm", "data-testid": "failures" },
    h(
      Card.Body,
      { gap: 3 },
      h(Heading, { as: "h2", size: "md", id: "re-failures" }, "Latest failures"),
      failures.length === 0
        ? h(Text, { color: "fg.muted" }, "Nothing failed in this period.")
        : h(List.Root, { variant: "plain", gap: 3 }, failures.map((one) => h(List.Item, { key: one.id }, h(Failure, { one, zone, rows })))),
    ),
  );
}

function Failure({ one, zone, rows }) {
  return h(
    Box,
    { borderLeftWidth: 3, borderColor: "border.error", pl: 3 },
    h(
      Flex,
      { gap: 2, wrap: "wrap", align: "baseline" },
      h(Text, { fontWeight: "semibold" }, one.title || titleOf({}, one.reason)),
      h(
        Text,
        { fontSize: "sm", color: "fg.muted" },
        `${moment(one.as_of, zone)} · ${titleOf(ACTIONS, one.action)} · `,
        h(StateLink, { to: { view: "person", user_name: one.user_name, user_id: one.user_id } }, nameOf(one)),
        " · ",
        h(StateLink, { to: rows({ status: ["failed"], reason: [one.reason] }) }, "all of this kind"),
        " · ",
        h(AirflowLink, { path: one.link }, "task log"),
      ),
    ),
    one.message && h(Text, { fontSize: "sm", wordBreak: "break-word" }, one.message),
    one.remedy && h(Text, { fontSize: "sm" }, h(Chakra.Strong, null, "What to do: "), one.remedy),
  );
}
