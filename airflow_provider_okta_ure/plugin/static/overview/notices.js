// SPDX-License-Identifier: Apache-2.0
// What to know about a run before its numbers: what failed, was refused, rejected, only planned or skipped.
import { AirflowLink, StateLink } from "../shared/address.js";
import { Chakra, h } from "../shared/h.js";
import { moment } from "../shared/times.js";
import { ACTIONS, counted, titleOf } from "../shared/words.js";

const { Alert, Box, Code, Stack, Text } = Chakra;

export function Notices({ today, zone, of }) {
  const { failed, skipped } = sums(today);
  const plans = today.plans ?? [];
  const refused = plans.filter((plan) => plan.reason === "plan_refused");
  const unapproved = plans.filter((plan) => plan.reason === "not_approved");
  const dry = plans.filter((plan) => !["plan_refused", "not_approved", "past_interval", "paused"].includes(plan.reason));
  const past = plans.filter((plan) => plan.reason === "past_interval");
  return h(
    Stack,
    { gap: 2 },
    failed > 0 &&
      h(Notice, { status: "error", title: [
        h(StateLink, { key: "to", to: of({ status: ["failed"] }), color: "inherit", textDecoration: "underline" }, `${counted(failed, "action")} failed`),
      ] }),
    refused.map((plan) => h(Refused, { key: `${plan.task_id} ${plan.action}`, plan })),
    unapproved.map((plan) => h(NotApproved, { key: `${plan.task_id} ${plan.action}`, plan })),
    (today.approvals ?? []).map((one) => h(Approval, { key: `${one.task_id} ${one.map_index}`, one, zone })),
    dry.length > 0 && h(DryRun, { plans: dry, today, of }),
    past.length > 0 &&
      h(Notice, { status: "info", testId: "past-interval", title: [
        `Past interval: ${counted(total(past), "change")} not carried out. `,
        h(StateLink, { key: "to", to: of({ status: ["planned"], reason: ["past_interval"] }), color: "inherit", textDecoration: "underline" }, "Show them"),
      ] }, past[0].remedy),
    (today.warnings ?? []).map((one) =>
      h(Notice, { key: `${one.task_id} ${one.text}`, status: "warning", testId: "warning", title: one.text }, `Warning of task ${one.task_id}`)),
    skipped > 0 &&
      h(Text, { fontSize: "sm" }, `${counted(skipped, "user")} skipped (`,
        h(StateLink, { to: of({ status: ["skipped"] }) }, "see why"), ")"),
  );
}

function Notice({ status, title, testId, children }) {
  return h(
    Alert.Root,
    { status, alignItems: "start", "data-testid": testId && `notice-${testId}` },
    h(Alert.Indicator),
    h(
      Alert.Content,
      { minW: 0 },
      h(Alert.Title, { wordBreak: "break-word" }, title),
      children && h(Alert.Description, { as: "div", wordBreak: "break-word" }, children),
    ),
  );
}

function DryRun({ plans, today, of }) {
  // A plan that somebody is asked about is no dry run.
  const isAsked = (today.approvals ?? []).length > 0;
  const said = isNothingDone(today) ? "Dry run: nothing was written to Okta. " : "Part of this run was a dry run. ";
  const link = h(StateLink, { key: "to", to: of({ status: ["planned"], reason: plans.map((plan) => plan.reason) }), color: "inherit", textDecoration: "underline" },
    counted(total(plans), "planned change"));
  return h(Notice, {
    status: "info", testId: "dry-run",
    title: [isAsked ? "Not carried out: " : said, link],
  });
}

// A plan that was too large: what it says of itself, and how to approve it.
function Refused({ plan }) {
  return h(
    Notice,
    { status: "error", testId: "refused", title: `Refused: ${titleOf(ACTIONS, plan.action)}, ${counted(plan.entries, "user")}. Nothing of this plan was written.` },
    // The entries only name the plan; the numbers are in the task's log.
    !/^plan:? \w+\.?$/i.test(plan.message) && h(Box, null, plan.message),
    plan.plan_id &&
      h(Box, { mt: 1 }, "If the users below are right, approve exactly this plan: run the DAG again with ",
        h(Code, null, `approved_plan="${plan.plan_id}"`), "."),
    plan.link && h(Box, { mt: 1 }, h(AirflowLink, { path: plan.link, color: "inherit", textDecoration: "underline" }, `Why: log of task ${plan.task_id}`)),
  );
}

// What a task would have done without an approval, or beyond it.
function NotApproved({ plan }) {
  return h(
    Notice,
    { status: "error", testId: "not-approved", title: `Not approved: ${titleOf(ACTIONS, plan.action)}, ${counted(plan.entries, "user")}. Nothing of this was written.` },
    plan.remedy && h(Box, null, plan.remedy),
    plan.link && h(Box, { mt: 1 }, h(AirflowLink, { path: plan.link, color: "inherit", textDecoration: "underline" }, `Why: log of task ${plan.task_id}`)),
  );
}

const ANSWERS = {
  approved: { status: "success", say: (one, when) => `Approved by ${one.answered_by || "somebody"}, ${when}` },
  rejected: { status: "warning", say: (one, when) => `Rejected by ${one.answered_by || "somebody"}, ${when}. Nothing was written to Okta.` },
  refused: { status: "error", say: (one, when) => `The approval by ${one.answered_by || "somebody"}, ${when}, does not count: see the log of the task. Nothing was written to Okta.` },
  unanswered: { status: "warning", say: (one, when) => `No answer by ${when}. Nothing was written to Okta.` },
  "": { status: "info", say: (one, when) => `Waiting for approval since ${when}. Nothing has been written to Okta.` },
};

// isNamed: it is not about the run that is shown.
export function Approval({ one, zone, isNamed = false }) {
  const { status, say } = ANSWERS[one.answer] ?? ANSWERS[""];
  const when = moment(one.answered_at ?? one.asked_at, zone);
  return h(
    Notice,
    { status, testId: `approval-${one.answer || "waiting"}`, title: say(one, when) },
    one.subject && h(Box, null, one.subject),
    one.link && h(AirflowLink, { path: one.link, color: "inherit", textDecoration: "underline" },
      isNamed ? `${one.dag_id} / ${one.run_id}, task ${one.task_id}` : `Task ${one.task_id}`),
  );
}

const total = (plans) => plans.reduce((sum, plan) => sum + plan.entries, 0);

const isNothingDone = (today) =>
  Object.entries(today.actions ?? {}).every(([action, one]) => action === "no_action" || !(one.done || one.started || one.failed));

function sums(today) {
  const counts = { failed: 0, skipped: 0 };
  for (const one of Object.values(today.actions ?? {})) {
    for (const status of Object.keys(counts)) counts[status] += one[status] ?? 0;
  }
  return counts;
}
