// SPDX-License-Identifier: Apache-2.0
// Moments as people read them, in the time zone that is chosen in Airflow.
import { React } from "./h.js";

const DAY = 24 * 60 * 60 * 1000;

// Returns the name of the zone: what Airflow's menu has set, else the browser's, else UTC.
export function readZone() {
  try {
    const stored = globalThis.localStorage.getItem("timezone");
    const name = stored === null ? Intl.DateTimeFormat().resolvedOptions().timeZone : JSON.parse(stored);
    // Refuses a zone that it does not know; the name stays as Airflow shows it.
    Intl.DateTimeFormat("en", { timeZone: name });
    return String(name);
  } catch {
    return "UTC";
  }
}

// "local-storage" is what Airflow itself fires when the zone is changed in its menu.
function listen(changed) {
  const events = ["storage", "local-storage"];
  for (const name of events) globalThis.addEventListener(name, changed);
  return () => {
    for (const name of events) globalThis.removeEventListener(name, changed);
  };
}

export const useZone = () => React.useSyncExternalStore(listen, readZone);

// Whether a text is a moment, such as one in an address that somebody typed.
export const isMoment = (text) => !Number.isNaN(new Date(text).getTime());

// Returns "2026-11-23 03:00"; "" of nothing, and of what is no moment.
export function moment(iso, zone) {
  if (!iso || !isMoment(iso)) return "";
  const part = partsOf(new Date(iso), zone);
  return `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}`;
}

// Returns "23 Nov".
export function day(iso, zone) {
  return new Intl.DateTimeFormat("en-GB", { timeZone: zone, day: "numeric", month: "short" }).format(new Date(iso));
}

// Returns which day's scores a run is about, when it is about one whole day: "26 Nov", else "".
// Netskope's days are UTC days, and the last one that has ended counts.
export function dayOfScores(iso) {
  const at = new Date(iso).getTime();
  return at % DAY === 0 ? day(new Date(at - 1).toISOString(), "UTC") : "";
}

// Returns one label per moment: the day, and the hour where a day has several.
export function labels(moments, zone) {
  const days = moments.map((iso) => day(iso, zone));
  const isAlone = (label) => days.filter((one) => one === label).length === 1;
  return moments.map((iso, at) => (isAlone(days[at]) ? days[at] : `${days[at]} ${moment(iso, zone).slice(11)}`));
}

// What an <input type="datetime-local"> holds, and back.
export const toField = (iso, zone) => moment(iso, zone).replace(" ", "T");

export function fromField(text, zone) {
  if (!text) return "";
  const asUtc = new Date(`${text}Z`).getTime();
  if (Number.isNaN(asUtc)) return "";
  // Twice: the offset at the guess may be the one of before a change to summer time.
  const once = asUtc - offsetAt(asUtc, zone);
  return isoOf(asUtc - offsetAt(once, zone));
}

export const isoOf = (milliseconds) => new Date(milliseconds).toISOString().replace(".000Z", "Z");

// Returns the moment that a number of days ago began, by UTC days, as the runs do.
export function daysAgo(days) {
  return isoOf(Math.floor(Date.now() / DAY) * DAY - days * DAY);
}

// Returns the moment just after another: since..after is that moment alone.
export const after = (iso) => new Date(new Date(iso).getTime() + 1).toISOString();

function offsetAt(milliseconds, zone) {
  const part = partsOf(new Date(milliseconds), zone);
  const there = Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second);
  return there - Math.floor(milliseconds / 1000) * 1000;
}

function partsOf(date, zone) {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, hourCycle: "h23",
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
  });
  return Object.fromEntries(format.formatToParts(date).map(({ type, value }) => [type, value]));
}
