// SPDX-License-Identifier: Apache-2.0
// "Why is Alice in this group?": the groups that this provider added somebody to, why, and until when.
import { AirflowLink, OktaLink, StateLink } from "../shared/address.js";
import { Chakra, h } from "../shared/h.js";
import { moment } from "../shared/times.js";

const { Card, Flex, Heading, SimpleGrid, Text } = Chakra;

export function Memberships({ data, zone }) {
  const { memberships } = data;
  return h(
    Card.Root,
    { as: "section", "aria-labelledby": "re-groups", size: "sm", "data-testid": "memberships" },
    h(
      Card.Body,
      { gap: 3 },
      h(Heading, { as: "h3", size: "md", id: "re-groups" }, "Groups this provider added them to"),
      memberships.length === 0
        ? h(Text, null, lastRemoval(data.events, zone))
        : h(SimpleGrid, { columns: { base: 1, lg: 2 }, gap: 4 }, memberships.map((one) =>
            h(Membership, { key: one.entry_id, one, zone }))),
    ),
  );
}

function Membership({ one, zone }) {
  const run = one.links?.run ?? `/dags/${encodeURIComponent(one.dag_id)}/runs/${encodeURIComponent(one.run_id)}`;
  return h(
    Card.Root,
    { size: "sm", variant: "subtle" },
    h(
      Card.Body,
      { gap: 1 },
      h(Heading, { as: "h4", size: "sm", wordBreak: "break-word" }, one.group_name || one.group_id),
      one.status === "started" && h(Text, { fontSize: "sm" }, "Okta's answer did not arrive: they may not be in the group. The next run finds out."),
      h(Text, null, h(Chakra.Strong, null, "Why: "), one.why),
      // Whoever another DAG added is only known to be held.
      one.status !== "unchanged" && h(Text, null, h(Chakra.Strong, null, "Since: "), moment(one.since, zone)),
      h(Text, null, h(Chakra.Strong, null, "Until: "),
        one.expires_at ? moment(one.expires_at, zone) : "they match the rule for removal"),
      h(Holders, { one, zone }),
      h(
        Flex,
        { gap: 3, wrap: "wrap", fontSize: "sm" },
        h(AirflowLink, { path: run }, "Run"),
        h(StateLink, { to: { view: "log", group: one.group_id || one.group_name, status: ["done"] } }, "Other members"),
        one.links?.group && h(OktaLink, { href: one.links.group }, "Group in Okta"),
      ),
    ),
  );
}

// A member leaves when the last holder lets go.
function Holders({ one, zone }) {
  const holders = [
    ...(one.held_by ?? []).map((hold) => {
      const until = hold.expires_at ? `, until ${moment(hold.expires_at, zone)}` : "";
      return `${[hold.dag_id, hold.task_id].filter(Boolean).join(".")} (last decided as of ${moment(hold.as_of, zone)}${until})`;
    }),
    ...(one.held_by_others ? ["another DAG"] : []),
  ];
  if (holders.length === 0) return null;
  return h(Text, { wordBreak: "break-word" }, h(Chakra.Strong, null, "Held by: "), holders.join("; "));
}

function lastRemoval(events, zone) {
  const last = events.find((entry) => entry.action === "remove_from_group" && entry.status === "done");
  if (!last) return "None.";
  return `None. Removed from “${last.target_name || last.target}” as of ${moment(last.as_of, zone)}.`;
}
