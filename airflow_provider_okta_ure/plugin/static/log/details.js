// SPDX-License-Identifier: Apache-2.0
// All that is known of one entry, and where to look further.
import { AirflowLink, OktaLink, StateLink } from "../shared/address.js";
import { LevelBadge } from "../shared/badges.js";
import { Chakra, Fragment, h } from "../shared/h.js";
import { dayOfScores, moment } from "../shared/times.js";
import { CONFIRMATIONS, isGroupAction, reasonOf, riskBefore, titleOf } from "../shared/words.js";

const { Alert, Box, Code, DataList, Flex, SimpleGrid, Span, Stack } = Chakra;

export function Details({ entry, zone }) {
  const links = entry.links ?? {};
  return h(
    Stack,
    { gap: 4, py: 2, "data-testid": "details" },
    entry.reason && h(Reason, { entry }),
    h(
      SimpleGrid,
      { columns: { base: 1, md: 2, xl: 3 }, gap: 6 },
      h(Facts, { title: "Why", facts: whyFacts(entry) }),
      h(Facts, { title: "Who and where", facts: whoFacts(entry) }),
      h(Facts, { title: "Answer and proof", facts: proofFacts(entry, zone) }),
    ),
    h(
      Flex,
      { gap: 4, wrap: "wrap", fontSize: "sm" },
      links.task && h(AirflowLink, { path: links.task }, "Log of the task"),
      links.run && h(AirflowLink, { path: links.run }, "The run"),
      links.user && h(OktaLink, { href: links.user }, "User in Okta"),
      links.group && h(OktaLink, { href: links.group }, "Group in Okta"),
      (entry.user_name || entry.user_id) &&
        h(StateLink, { to: { view: "person", user_name: entry.user_name, user_id: entry.user_id } }, "All about this person"),
    ),
  );
}

function Reason({ entry }) {
  const status = entry.status === "failed" ? "error" : "info";
  return h(
    Alert.Root,
    { status, size: "sm" },
    h(Alert.Indicator),
    h(
      Alert.Content,
      null,
      h(Alert.Title, null, reasonOf(entry)),
      h(Alert.Description, { as: "div", wordBreak: "break-word" },
        entry.message && h(Box, null, entry.message),
        entry.reason_remedy && h(Box, null, h(Chakra.Strong, null, "What to do: "), entry.reason_remedy)),
    ),
  );
}

// Facts are [label, value]; those without a value are left out.
function Facts({ title, facts }) {
  const known = facts.filter(([, value]) => ![null, undefined, "", false].includes(value));
  return h(
    Box,
    { minW: 0 },
    h(Chakra.Heading, { as: "h4", size: "xs", mb: 2 }, title),
    h(
      DataList.Root,
      { size: "sm", orientation: "vertical", gap: 2 },
      known.map(([label, value]) =>
        h(DataList.Item, { key: label }, h(DataList.ItemLabel, null, label), h(DataList.ItemValue, { wordBreak: "break-word" }, value))),
    ),
  );
}

function whyFacts(entry) {
  const score = entry.score ?? null;
  return [
    ["Score (0 to 1000, higher is safer)", score === null ? "none in Netskope" : h(Fragment, null, String(score), entry.score_level && h(Muted, null, `(score level ${entry.score_level})`))],
    ["Day of the score (UTC)", dayOfScores(entry.as_of)],
    ["Risk level (higher is riskier)", entry.risk_level && h(LevelBadge, { level: entry.risk_level })],
    ["Risk level in Okta before", riskBefore(entry)],
    ["Rule that matched", entry.rule && h(Code, { whiteSpace: "pre-wrap" }, entry.rule)],
    ["Source", entry.source],
    ["Approved by", entry.approved_by],
  ];
}

function whoFacts(entry) {
  const own = isGroupAction(entry);
  return [
    ["Name in the source", entry.user_name],
    ["Okta login", entry.login],
    ["Okta user id", entry.user_id],
    [own ? "Group" : "Issuer", own ? [entry.target_name, entry.target].filter(Boolean).join(" · ") : entry.target],
    ["Org", entry.org],
    ["DAG", entry.dag_id],
    ["Run", entry.run_id],
    ["Task", taskOf(entry)],
  ];
}

function taskOf({ task_id, map_index, try_number }) {
  const mapped = map_index >= 0 ? ` [${map_index}]` : "";
  return task_id ? `${task_id}${mapped}, try ${try_number}` : "";
}

function proofFacts(entry, zone) {
  const isSignal = Boolean(entry.jti);
  return [
    ["First tried", moment(entry.started_at, zone)],
    ["Recorded", moment(entry.recorded_at, zone)],
    ["HTTP status", entry.http_status],
    ["Okta request id", entry.request_id && h(Code, null, entry.request_id)],
    ["Risk signal (jti)", isSignal && h(Code, { wordBreak: "break-all" }, entry.jti)],
    ["Confirmation", isSignal && entry.status === "done" && confirmed(entry, zone)],
    ["System Log event", entry.log_event_id && h(Code, { wordBreak: "break-all" }, entry.log_event_id)],
    ["Membership ends", moment(entry.expires_at, zone)],
  ];
}

function confirmed(entry, zone) {
  const when = entry.confirmed_at ? `, ${moment(entry.confirmed_at, zone)}` : "";
  return `${titleOf(CONFIRMATIONS, entry.confirmation)}${when}`;
}

function Muted({ children }) {
  return h(Span, { color: "fg.muted", ms: 1 }, children);
}
