// SPDX-License-Identifier: Apache-2.0
// The latest run in words: who was added, removed and reported to Okta and why, and what was only planned.
import { AirflowLink, StateLink } from "../shared/address.js";
import { LevelBadge } from "../shared/badges.js";
import { Chakra, Fragment, h } from "../shared/h.js";
import { dayOfScores, moment } from "../shared/times.js";
import { changeOfRisk, counted, nameOf, number } from "../shared/words.js";
import { Notices } from "./notices.js";

const { Badge, Box, Card, Flex, Heading, List, SimpleGrid, Span, Stack, Text } = Chakra;
const SHOWN = 6;

export function Latest({ data, zone, rows, isRun }) {
  const { today } = data;
  const of = (more) => rows({ dag_id: today.dag_id, run_id: today.run_id, since: null, until: null, days: null, ...more });
  const kinds = Object.keys(KINDS).filter((kind) => ALWAYS.includes(kind) || countOf(today, kind, "done") || countOf(today, kind, "planned"));
  return h(
    Card.Root,
    { as: "section", "aria-labelledby": "re-latest", "data-testid": "latest" },
    h(
      Card.Body,
      { gap: 4 },
      h(
        Flex,
        { justify: "space-between", wrap: "wrap", gap: 2, align: "baseline" },
        h(Heading, { as: "h2", size: "lg", id: "re-latest" }, isRun ? "This run" : "Latest run"),
        h(
          Text,
          { fontSize: "sm", color: "fg.muted", wordBreak: "break-word" },
          `as of ${asOf(today, zone)} · `,
          h(AirflowLink, { path: runPath(today) }, `${today.dag_id} / ${today.run_id}`),
        ),
      ),
      today.read !== null && today.read !== undefined && h(Text, { fontSize: "sm", "data-testid": "read" }, readOf(today)),
      h(Notices, { today, zone, of }),
      h(
        SimpleGrid,
        { columns: { base: 1, md: Math.min(kinds.length, 3) }, gap: 6 },
        kinds.map((kind) => h(Kind, { key: kind, kind, today, of })),
      ),
    ),
  );
}

// How much of the source the run is about: only a complete run shows who does not match any more.
const readOf = (today) =>
  `${counted(today.read, "user")} read, ${number(today.returned)} of them returned; ` +
  (today.complete ? "the whole source was read" : "not the whole source was read");

const ALWAYS = ["added", "removed", "pushed"];

const KINDS = {
  added: {
    action: "add_to_group", nobody: "No users added to a group",
    done: (n, where) => `${counted(n, "user")} added to ${where}`,
    planned: (n, where) => `Would add ${counted(n, "user")} to ${where}`,
  },
  removed: {
    action: "remove_from_group", nobody: "No users removed from a group",
    done: (n, where) => `${counted(n, "user")} removed from ${where}`,
    planned: (n, where) => `Would remove ${counted(n, "user")} from ${where}`,
  },
  pushed: {
    action: "push_risk", nobody: "No risk changes sent to Okta",
    done: (n) => `${counted(n, "risk change")} sent to Okta`,
    planned: (n) => `Would send ${counted(n, "risk change")} to Okta`,
  },
  set: {
    action: "upsert_risk", nobody: "No risk levels set in Okta",
    done: (n) => `${counted(n, "risk level")} set in Okta`,
    planned: (n) => `Would set ${counted(n, "risk level")} in Okta`,
  },
  recorded: {
    action: "no_action", nobody: "No matches recorded",
    done: (n) => `${counted(n, "match", "matches")} recorded, nothing changed in Okta`,
    planned: (n) => `Would record ${counted(n, "match", "matches")}`,
  },
};

const countOf = (today, kind, status) => today.actions?.[KINDS[kind].action]?.[status] ?? 0;

function Kind({ kind, today, of }) {
  const parts = ["done", "planned"].filter((status) => countOf(today, kind, status) > 0);
  return h(
    Box,
    { as: "section", "aria-label": kind, "data-testid": `latest-${kind}`, minW: 0 },
    parts.length === 0
      ? h(Heading, { as: "h3", size: "md", color: "fg.muted", fontWeight: "normal" }, KINDS[kind].nobody)
      : h(Stack, { gap: 4 }, parts.map((status) => h(Part, { key: status, kind, status, today, of }))),
  );
}

function Part({ kind, status, today, of }) {
  // Of many, only the first are in the answer.
  const entries = (status === "planned" ? today.planned : today)[kind] ?? [];
  const count = countOf(today, kind, status);
  const all = of({ action: [KINDS[kind].action], status: [status] });
  return h(
    Box,
    { "data-testid": `latest-${kind}-${status}`, minW: 0 },
    h(
      Heading,
      { as: "h3", size: "md", mb: 2, wordBreak: "break-word" },
      KINDS[kind][status](count, groupsOf(entries)),
      status === "planned" && h(Fragment, null, " ", h(Badge, { colorPalette: "blue" }, "planned")),
    ),
    h(
      List.Root,
      { gap: 2, variant: "plain" },
      entries.slice(0, SHOWN).map((entry) => h(List.Item, { key: entry.id }, h(Person, { entry, kind }))),
    ),
    h(Text, { mt: 2, fontSize: "sm" }, h(StateLink, { to: all }, count > SHOWN ? `Show all ${number(count)}` : "Show in the action log")),
  );
}

function Person({ entry, kind }) {
  return h(
    Stack,
    { gap: 0 },
    h(StateLink, { to: { view: "person", user_name: entry.user_name, user_id: entry.user_id }, wordBreak: "break-word" }, nameOf(entry)),
    h(
      Flex,
      { fontSize: "sm", color: "fg.muted", gap: 2, wrap: "wrap", align: "center" },
      kind === "pushed" || kind === "set"
        ? h(Fragment, null, h(Span, null, `risk ${changeOfRisk(entry)}`), scored(entry))
        : h(Fragment, null, h(Span, null, ruled(entry)), kind === "added" && h(LevelBadge, { level: entry.risk_level })),
    ),
  );
}

const scored = (entry) => (entry.score === null ? null : h(Span, null, `score ${entry.score}`));

function ruled(entry) {
  const score = entry.score === null ? "no score" : `score ${entry.score}`;
  return entry.rule ? `${score}, rule: ${entry.rule}` : score;
}

function groupsOf(entries) {
  const names = [...new Set(entries.map((entry) => entry.target_name || entry.target))];
  return names.length === 1 ? `“${names[0]}”` : counted(names.length, "group");
}

function asOf(today, zone) {
  const day = dayOfScores(today.as_of);
  const details = [day && `scores of ${day}`, today.as_of_reason].filter(Boolean).join("; ");
  return details ? `${moment(today.as_of, zone)} (${details})` : moment(today.as_of, zone);
}

const runPath = ({ dag_id, run_id }) =>
  dag_id && run_id ? `/dags/${encodeURIComponent(dag_id)}/runs/${encodeURIComponent(run_id)}` : null;
