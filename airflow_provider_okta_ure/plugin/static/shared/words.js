// SPDX-License-Identifier: Apache-2.0
// The words of the action log as people say them. A score points up to safe, a risk level up to risk.

export const ACTIONS = {
  add_to_group: "Added to group",
  remove_from_group: "Removed from group",
  push_risk: "Risk signal to Okta",
  upsert_risk: "Risk set in Okta",
  no_action: "Noted only",
  fetch_scores: "Scores read",
  task: "Task",
};

// What is done to people; the others are about a whole task.
export const PEOPLE_ACTIONS = ["add_to_group", "remove_from_group", "push_risk", "upsert_risk", "no_action"];

export const STATUSES = {
  done: "done",
  unchanged: "nothing to change",
  skipped: "skipped",
  failed: "failed",
  planned: "dry run",
  started: "answer not known",
};

export const STATUS_HELP = {
  done: "Okta was changed",
  unchanged: "it was so already",
  skipped: "left alone, with a reason",
  failed: "Okta was not changed; see what to do",
  planned: "only what would have been done",
  started: "it was tried and the answer got lost; the next run finds out",
};

export const LEVELS = { high: "high", medium: "medium", low: "low", none: "none" };

export const CONFIRMATIONS = {
  confirmed: "found in Okta's System Log",
  missing: "not found in Okta's System Log",
  "": "not looked for yet",
};

export const titleOf = (words, code) => words[code] ?? String(code ?? "").replaceAll("_", " ");

export const nameOf = (entry) => entry.user_name || entry.login || entry.user_id || entry.user_key;

export const isGroupAction = (entry) => entry.action === "add_to_group" || entry.action === "remove_from_group";

// Returns why something happened, in one line: what was seen, and the rule that it matched.
export function whyOf(entry) {
  const parts = [];
  if (entry.users !== null && entry.users !== undefined) parts.push(`${counted(entry.users, "person", "people")} read`);
  if (entry.reason) parts.push(entry.reason_title || titleOf({}, entry.reason));
  if (!isGroupAction(entry) && entry.risk_level && entry.previous_risk_level !== entry.risk_level) {
    parts.push(`risk ${entry.previous_risk_level || "none"} → ${entry.risk_level}`);
  }
  if (entry.score !== null && entry.score !== undefined) parts.push(`score ${entry.score}`);
  if (entry.rule) parts.push(`rule: ${entry.rule}`);
  return parts.join(" · ");
}

export const number = (value) => new Intl.NumberFormat("en").format(value);

export const counted = (value, one, many = `${one}s`) => `${number(value)} ${value === 1 ? one : many}`;
