// SPDX-License-Identifier: Apache-2.0
// What is shown stands in the page's address: it can be shared, and the back button works.
import { Chakra, Router, h, useCallback, useMemo } from "./h.js";

// Airflow's own pages read parameters such as "view", "cursor" and "dag_id"; ours begin differently.
const PREFIX = "re-";
const SEVERAL = ["action", "status", "reason", "risk_level"];
const PERIOD = ["days", "since", "until", "dag_id", "org"];

// The filters of the action log, named as its route names them.
export const FILTERS = [
  "user", "user_key", "action", "status", "reason", "risk_level", "group",
  "dag_id", "run_id", "task_id", "since", "until", "org",
];

// Returns {values, to, go}: what the address says; a link to another state; going there.
export function useAddress() {
  const [search, setSearch] = Router.useSearchParams();
  const text = search.toString();
  const values = useMemo(() => read(new URLSearchParams(text)), [text]);
  const to = useCallback((next) => ({ search: `?${written(new URLSearchParams(text), next)}` }), [text]);
  const go = useCallback(
    (next, options) => setSearch(written(new URLSearchParams(globalThis.location.search), next), options),
    [setSearch],
  );
  return { values, to, go };
}

function read(search) {
  const values = { view: "overview" };
  for (const key of search.keys()) {
    if (!key.startsWith(PREFIX)) continue;
    const name = key.slice(PREFIX.length);
    values[name] = SEVERAL.includes(name) ? search.getAll(key) : search.get(key);
  }
  return values;
}

function written(search, next) {
  for (const key of [...search.keys()]) if (key.startsWith(PREFIX)) search.delete(key);
  for (const [name, value] of Object.entries(next)) {
    for (const one of [value].flat()) {
      if (one !== undefined && one !== null && one !== "") search.append(PREFIX + name, one);
    }
  }
  return search;
}

// Returns the part of an address that stays when another view is opened.
export function periodOf(values) {
  return Object.fromEntries(PERIOD.filter((name) => values[name]).map((name) => [name, values[name]]));
}

// A link to another state of this page.
export function StateLink({ to, children, ...more }) {
  const address = useAddress();
  return h(Chakra.Link, { asChild: true, color: "fg.info", ...more }, h(Router.Link, { to: address.to(to) }, children));
}

// The sub-path that Airflow lives under; its router adds it by itself.
const [BELOW] = new URL(import.meta.url).pathname.split("/okta-ure/static/");

// A link to one of Airflow's pages; plain text when there is none.
export function AirflowLink({ path, children, ...more }) {
  if (!path) return h(Fallback, null, children);
  const to = path.startsWith(`${BELOW}/`) ? path.slice(BELOW.length) : path;
  return h(Chakra.Link, { asChild: true, color: "fg.info", ...more }, h(Router.Link, { to }, children));
}

// A link to Okta's admin console; only https, or http to this machine, whatever the answer says.
export function OktaLink({ href, children, ...more }) {
  if (!isWeb(href)) return h(Fallback, null, children);
  const aside = { target: "_blank", rel: "noopener noreferrer" };
  return h(Chakra.Link, { href, color: "fg.info", ...aside, ...more }, children, " ↗");
}

function Fallback({ children }) {
  return h(Chakra.Span, null, children);
}

function isWeb(href) {
  try {
    return ["https:", "http:"].includes(new URL(href).protocol);
  } catch {
    return false;
  }
}
