// SPDX-License-Identifier: Apache-2.0
// The words of the action log as people say them. A score points up to safe, a risk level up to risk.

export const ACTIONS = {
  add_to_group: "Add to group",
  remove_from_group: "Remove from group",
  push_risk: "Send risk signal",
  upsert_risk: "Set risk in Okta",
  no_action: "Record only",
  fetch_scores: "Read scores",
};

// What is said of an action only once it has happened.
const DONE = {
  add_to_group: "Added to group",
  remove_from_group: "Removed from group",
  push_risk: "Risk signal sent",
  upsert_risk: "Risk set in Okta",
  no_action: "Recorded",
  fetch_scores: "Scores read",
};

// What changes something in Okta.
export const CHANGES = ["add_to_group", "remove_from_group", "push_risk", "upsert_risk"];

// What is about people; the others are about a whole task.
export const PEOPLE_ACTIONS = [...CHANGES, "no_action"];

export const STATUSES = {
  done: "done",
  unchanged: "no change needed",
  skipped: "skipped",
  failed: "failed",
  planned: "planned",
  started: "outcome unknown",
};

export const STATUS_HELP = {
  done: "carried out",
  unchanged: "Okta was already in this state",
  skipped: "not acted on, with a reason",
  failed: "Okta was not changed; see what to do",
  planned: "not carried out: a dry run, or a plan that was refused",
  started: "tried, but no answer arrived; the next run finds out",
};

// Why something was only planned.
const PLANNED = {
  dry_run: "dry run",
  plan_refused: "plan refused",
  paused: "all writes paused",
  past_interval: "past interval",
};

export const LEVELS = { high: "high", medium: "medium", low: "low", none: "none" };

export const CONFIRMATIONS = {
  confirmed: "found in Okta's System Log",
  missing: "not found in Okta's System Log",
  "": "not looked up yet",
};

export const titleOf = (words, code) => words[code] ?? String(code ?? "").replaceAll("_", " ");

// Returns what an entry is about: as done only when it was.
export const actionOf = (entry) => titleOf(entry.status === "done" ? DONE : ACTIONS, entry.action);

export const nameOf = (entry) => entry.user_name || entry.login || entry.user_id || entry.user_key;

export const isGroupAction = (entry) => entry.action === "add_to_group" || entry.action === "remove_from_group";

export const isRiskAction = (entry) => entry.action === "push_risk" || entry.action === "upsert_risk";

// Returns the risk level that Okta had before: "none" when no signal was delivered; "" when it is not known.
export function riskBefore(entry) {
  if (!isRiskAction(entry)) return "";
  return entry.previous_risk_level || (entry.action === "push_risk" ? "none" : "");
}

// Returns "none → high".
export const changeOfRisk = (entry) => [riskBefore(entry), entry.risk_level || "none"].filter(Boolean).join(" → ");

// Returns why an entry has its status.
export function reasonOf(entry) {
  const planned = entry.status === "planned" ? PLANNED[entry.reason] : null;
  return planned ?? (entry.reason_title || titleOf({}, entry.reason));
}

// Returns why something happened, in one line: what was seen, and the rule that it matched.
export function whyOf(entry) {
  const parts = [];
  if (entry.users !== null && entry.users !== undefined) parts.push(`${counted(entry.users, "user")} read`);
  if (entry.reason) parts.push(reasonOf(entry));
  if (isRiskAction(entry) && entry.risk_level) parts.push(`risk ${changeOfRisk(entry)}`);
  if (entry.score !== null && entry.score !== undefined) parts.push(`score ${entry.score}`);
  if (entry.rule) parts.push(`rule: ${entry.rule}`);
  return parts.join(" · ");
}

export const number = (value) => new Intl.NumberFormat("en").format(value);

export const counted = (value, one, many = `${one}s`) => `${number(value)} ${value === 1 ? one : many}`;
