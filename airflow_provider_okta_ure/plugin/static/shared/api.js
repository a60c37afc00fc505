// SPDX-License-Identifier: Apache-2.0
// Asking our own routes; where they are follows from where this file came from, below any sub-path.
import { useCallback, useEffect, useState } from "./h.js";

const ROOT = new URL("../../api/", import.meta.url);

// An answer that is no data: status (0 = none came), what is wrong, what to do about it.
export class Refusal extends Error {
  constructor(status, detail, remedy = "", state = "") {
    super(detail);
    Object.assign(this, { status, remedy, state });
  }
}

// Returns the address of a route; values that are lists are repeated, empty ones are left out.
export function addressOf(path, params = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(params)) {
    for (const one of [value].flat()) {
      if (one !== undefined && one !== null && one !== "") url.searchParams.append(name, String(one));
    }
  }
  return url.href;
}

// Returns the decoded answer; throws Refusal, or an AbortError when nobody waits for it any more.
export async function ask(path, params, signal) {
  let answer;
  try {
    answer = await fetch(addressOf(path, params), { credentials: "same-origin", signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "Airflow's API server does not answer.", "Check that it is running, and your network.");
  }
  const body = await answer.json().catch(() => null);
  if (answer.ok && body !== null) return body;
  throw refusalOf(answer.status, body);
}

function refusalOf(status, body) {
  const detail = body?.detail;
  const said = typeof detail === "string" ? detail : detail ? JSON.stringify(detail) : `The API server answered HTTP ${status}.`;
  return new Refusal(status, said, body?.remedy ?? "", body?.state ?? "");
}

// Returns {data, error, isLoading, reload}; the data of before stays while the next is on its way.
// A path of null asks nothing.
export function useAnswer(path, params) {
  const wanted = path === null ? null : addressOf(path, params);
  const [answer, setAnswer] = useState({ of: null });
  const [times, setTimes] = useState(0);
  const reload = useCallback(() => setTimes((before) => before + 1), []);
  useEffect(() => {
    if (wanted === null) return undefined;
    const controller = new AbortController();
    ask(wanted, {}, controller.signal).then(
      (data) => setAnswer({ of: wanted, data }),
      (error) => error.name === "AbortError" || setAnswer({ of: wanted, error }),
    );
    return () => controller.abort();
  }, [wanted, times]);
  const isCurrent = answer.of === wanted;
  return {
    data: wanted === null ? undefined : answer.data,
    error: isCurrent ? answer.error : undefined,
    isLoading: wanted !== null && !isCurrent,
    reload,
  };
}
