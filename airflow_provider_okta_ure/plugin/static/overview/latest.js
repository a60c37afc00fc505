// SPDX-License-Identifier: Apache-2.0
// The newest run in words: who was added, removed and reported to Okta, and why.
import { AirflowLink, StateLink } from "../shared/address.js";
import { LevelBadge } from "../shared/badges.js";
import { Chakra, Fragment, h } from "../shared/h.js";
import { moment } from "../shared/times.js";
import { counted, nameOf, number } from "../shared/words.js";

const { Alert, Box, Card, Flex, Heading, List, SimpleGrid, Span, Stack, Text } = Chakra;
const SHOWN = 6;

export function Latest({ data, zone, rows, isRun }) {
  const { today } = data;
  const of = (more) => rows({ dag_id: today.dag_id, run_id: today.run_id, since: null, until: null, days: null, ...more });
  const counts = sums(today);
  return h(
    Card.Root,
    { as: "section", "aria-labelledby": "re-latest", "data-testid": "latest" },
    h(
      Card.Body,
      { gap: 4 },
      h(
        Flex,
        { justify: "space-between", wrap: "wrap", gap: 2, align: "baseline" },
        h(Heading, { as: "h2", size: "lg", id: "re-latest" }, isRun ? "This run" : "The latest run"),
        h(
          Text,
          { fontSize: "sm", color: "fg.muted" },
          `as of ${moment(today.as_of, zone)} · `,
          h(AirflowLink, { path: runPath(today) }, `${today.dag_id} / ${today.run_id}`),
        ),
      ),
      counts.planned > 0 &&
        h(Alert.Root, { status: "info" },
          h(Alert.Indicator),
          h(Alert.Title, null, "A dry run: it wrote nothing to Okta. ",
            h(StateLink, { to: of({ status: ["planned"] }) }, `What it would have done (${number(counts.planned)})`))),
      counts.failed > 0 &&
        h(Alert.Root, { status: "error" },
          h(Alert.Indicator),
          h(Alert.Title, null, h(StateLink, { to: of({ status: ["failed"] }), color: "inherit", textDecoration: "underline" },
            `${counted(counts.failed, "action")} failed`), "; below is what to do.")),
      counts.skipped > 0 &&
        h(Text, { fontSize: "sm" }, h(StateLink, { to: of({ status: ["skipped"] }) },
          `${counted(counts.skipped, "decision was", "decisions were")} skipped`), ", each with its reason."),
      h(
        SimpleGrid,
        { columns: { base: 1, md: 3 }, gap: 6 },
        Object.keys(KINDS).map((kind) => h(Group, { key: kind, kind, today, of })),
      ),
    ),
  );
}

const KINDS = {
  added: {
    actions: ["add_to_group"], nobody: "Nobody was put into a group.",
    said: (n, where) => `${counted(n, "person was", "people were")} put into ${where}`,
  },
  removed: {
    actions: ["remove_from_group"], nobody: "Nobody was let out of a group.",
    said: (n, where) => `${counted(n, "person was", "people were")} let out of ${where}`,
  },
  pushed: {
    actions: ["push_risk"], nobody: "Okta was told of no change of risk.",
    said: (n) => `Okta was told of ${counted(n, "change")} of risk`,
  },
};

function Group({ kind, today, of }) {
  const { actions, said, nobody } = KINDS[kind];
  const entries = today[kind];
  // Of many, only the first are in the answer.
  const count = actions.reduce((sum, action) => sum + (today.actions?.[action]?.done ?? 0), 0);
  const all = of({ action: actions, status: ["done"] });
  return h(
    Box,
    { as: "section", "aria-label": kind, "data-testid": `latest-${kind}`, minW: 0 },
    h(Heading, { as: "h3", size: "md", mb: 2 }, count ? said(count, groupsOf(entries)) : nobody),
    h(
      List.Root,
      { gap: 2, variant: "plain" },
      entries.slice(0, SHOWN).map((entry) => h(List.Item, { key: entry.id }, h(Person, { entry, kind }))),
    ),
    count > 0 &&
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
      kind === "pushed"
        ? h(Fragment, null, h(Span, null, `risk ${entry.previous_risk_level || "none"} → ${entry.risk_level || "none"}`), scored(entry))
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

function sums(today) {
  const counts = { planned: 0, failed: 0, skipped: 0 };
  for (const one of Object.values(today.actions ?? {})) {
    for (const status of Object.keys(counts)) counts[status] += one[status] ?? 0;
  }
  return counts;
}

const runPath = ({ dag_id, run_id }) =>
  dag_id && run_id ? `/dags/${encodeURIComponent(dag_id)}/runs/${encodeURIComponent(run_id)}` : null;
