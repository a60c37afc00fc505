// SPDX-License-Identifier: Apache-2.0
// The action log itself: filtered and paged by the server, so a million rows feel the same as a thousand.
import { FILTERS, useAddress } from "../shared/address.js";
import { addressOf, useAnswer } from "../shared/api.js";
import { Chakra, h } from "../shared/h.js";
import { spanOf, wrongDateOf } from "../shared/period.js";
import { Answer, Nothing, WrongDate } from "../shared/states.js";
import { PEOPLE_ACTIONS, STATUSES, counted, number } from "../shared/words.js";
import { Filters } from "./filters.js";
import { Pages } from "./pages.js";
import { Rows } from "./rows.js";

const { Button, Flex, Stack, Text } = Chakra;
const PAGE = 50;
// Most users need no change most days, and reading changes nothing: unless asked for, both are left out.
const BRIEF = { action: PEOPLE_ACTIONS, status: Object.keys(STATUSES).filter((status) => status !== "unchanged") };

export function LogView({ scope, zone }) {
  const { values, go } = useAddress();
  const wrong = scope.run_id ? null : wrongDateOf(values);
  const { sort = "-as_of", cursor } = values;
  const known = useAnswer("filters", { dag_id: scope.dag_id });
  const ask = { sort, cursor, limit: PAGE };
  const isBrief = values.show !== "all";
  const brief = useAnswer(wrong ? null : "actions", { ...wantedOf(values, scope, isBrief), ...ask });
  // No change and no problem: then whatever else there is.
  const isEmpty = isBrief && !cursor && brief.data?.rows.length === 0 && !brief.isLoading;
  const everything = useAnswer(isEmpty ? "actions" : null, { ...wantedOf(values, scope, false), ...ask });
  const answer = isEmpty ? everything : brief;
  const wanted = wantedOf(values, scope, isBrief && !isEmpty);
  // A cursor belongs to the filter and the order that it was made for.
  const change = (next) => go({ ...values, cursor: null, ...next });
  return h(
    Stack,
    { gap: 4 },
    h(Filters, { values, scope, zone, known: known.data, change, reload: answer.reload }),
    wrong
      ? h(WrongDate, { name: wrong, value: values[wrong], forget: () => change({ [wrong]: null }) })
      : h(Answer, { answer, lines: 10, what: "Loading the action log" }, (data) =>
          data.rows.length === 0
            ? h(NoRows, { isPaged: Boolean(cursor), change })
            : h(
                Stack,
                { gap: 3 },
                h(Above, { data, wanted, isAllInstead: isEmpty }),
                h(Rows, {
                  rows: data.rows, zone, sort,
                  onSort: () => change({ sort: sort === "-as_of" ? "as_of" : "-as_of" }),
                }),
                h(Pages, { next: data.next, cursor, values, go }),
              )),
  );
}

// Returns the filters of the address within what this page is about.
function wantedOf(values, scope, isBrief) {
  const wanted = Object.fromEntries(FILTERS.filter((name) => values[name]).map((name) => [name, values[name]]));
  const span = values.days || values.since || values.until ? spanOf(values, scope) : {};
  const own = Object.fromEntries(Object.entries(scope).filter(([, value]) => value));
  // Some reasons are only about users who needed no change.
  return { ...(isBrief && !values.reason && BRIEF), ...wanted, ...span, ...own };
}

function Above({ data, wanted, isAllInstead }) {
  const many = data.count_is_exact ? counted(data.count, "entry", "entries") : `More than ${number(data.count)} entries`;
  return h(
    Flex,
    { justify: "space-between", align: "center", gap: 2, wrap: "wrap" },
    h(Text, { role: "status", fontSize: "sm", color: "fg.muted", "data-testid": "count" },
      isAllInstead ? `${many}, none of them a change or a problem` : many,
      // Who is neither at risk nor tracked is counted, and has no entry.
      data.silent > 0 && `; and ${counted(data.silent, "user")} without an entry, because nothing had to be done`),
    h(
      Button,
      { asChild: true, size: "sm", variant: "outline" },
      h("a", { href: addressOf("actions.csv", wanted), download: "risk-exchange-actions.csv" }, "Export as CSV"),
    ),
  );
}

function NoRows({ isPaged, change }) {
  const clear = Object.fromEntries([...FILTERS, "days"].map((name) => [name, null]));
  const offers = isPaged ? [["Back to the first page", { cursor: null }]] : [["Remove all filters", clear]];
  return h(
    Nothing,
    { title: isPaged ? "No more entries" : "No entries match these filters" },
    h(Flex, { gap: 2, mt: 2, wrap: "wrap", justify: "center" }, offers.map(([title, next]) =>
      h(Button, { key: title, size: "sm", variant: "outline", onClick: () => change(next) }, title))),
  );
}
