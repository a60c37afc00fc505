// SPDX-License-Identifier: Apache-2.0
// Entries as a table; each row opens its details. Used by the log and by the view of a person.
import { StateLink } from "../shared/address.js";
import { LevelBadge, StatusBadge } from "../shared/badges.js";
import { Chakra, Fragment, h, useId, useState } from "../shared/h.js";
import { moment } from "../shared/times.js";
import { actionOf, isGroupAction, isRiskAction, nameOf, whyOf } from "../shared/words.js";
import { Details } from "./details.js";

const { Box, Button, IconButton, Table, Text } = Chakra;
// On a narrow screen, moment, status and reason stand below the name.
const WIDE = { base: "none", md: "table-cell" };
const NARROW = { base: "block", md: "none" };

/*
 * onSort    called when the other order of moments is wanted; without it the order is fixed
 * isOnePerson  leaves out who it was
 * opened    the id of an entry that is open from the start
 */
export function Rows({ rows, zone, sort = "-as_of", onSort, isOnePerson = false, opened }) {
  const columns = isOnePerson ? 5 : 6;
  return h(
    Box,
    { overflowX: "auto", borderWidth: 1, borderRadius: "md", tabIndex: -1, "data-re-rows": true },
    h(
      Table.Root,
      { size: "sm", "aria-label": "Action log", "data-testid": "rows" },
      h(
        Table.Header,
        null,
        h(
          Table.Row,
          null,
          h(Table.ColumnHeader, { w: 8, px: 1 }, h(Chakra.VisuallyHidden, null, "Details")),
          h(Moments, { sort, onSort }),
          !isOnePerson && h(Table.ColumnHeader, { scope: "col" }, "User"),
          h(Table.ColumnHeader, { scope: "col" }, "Action"),
          h(Table.ColumnHeader, { scope: "col", display: WIDE }, "Status"),
          h(Table.ColumnHeader, { scope: "col", display: WIDE }, "Why"),
        ),
      ),
      h(Table.Body, null, rows.map((entry) =>
        h(Row, { key: entry.id, entry, zone, columns, isOnePerson, isOpened: entry.id === opened }))),
    ),
  );
}

function Moments({ sort, onSort }) {
  const isDown = sort === "-as_of";
  const order = isDown ? "descending" : "ascending";
  if (!onSort) return h(Table.ColumnHeader, { scope: "col", display: WIDE }, "As of");
  return h(
    Table.ColumnHeader,
    { scope: "col", display: WIDE, "aria-sort": order },
    h(Button, { size: "xs", variant: "plain", px: 0, fontSize: "sm", fontWeight: "inherit", onClick: onSort, title: "Reverse the order" },
      `As of ${isDown ? "▾" : "▴"}`),
  );
}

function Row({ entry, zone, columns, isOnePerson, isOpened }) {
  const [isOpen, setOpen] = useState(isOpened);
  const id = useId();
  const name = nameOf(entry);
  return h(
    Fragment,
    null,
    h(
      Table.Row,
      { "data-entry": entry.id, bg: isOpen ? "bg.subtle" : undefined },
      h(
        Table.Cell,
        { px: 1 },
        h(
          IconButton,
          {
            size: "2xs", variant: "ghost", "aria-expanded": isOpen, "aria-controls": isOpen ? id : undefined,
            "aria-label": `Details: ${name}, ${actionOf(entry)}, ${moment(entry.as_of, zone)}`,
            onClick: () => setOpen(!isOpen),
          },
          isOpen ? "▾" : "▸",
        ),
      ),
      h(Table.Cell, { display: WIDE, whiteSpace: "nowrap" }, moment(entry.as_of, zone)),
      !isOnePerson && h(Table.Cell, { wordBreak: "break-word", minW: { md: "64" } }, h(Who, { entry, name }), h(Aside, { entry, zone })),
      h(Table.Cell, { wordBreak: "break-word", minW: { md: "44" } }, actionOf(entry), h(Target, { entry }),
        isOnePerson && h(Aside, { entry, zone })),
      h(Table.Cell, { display: WIDE }, h(StatusBadge, { status: entry.status })),
      h(
        Table.Cell,
        { display: WIDE, wordBreak: "break-word" },
        h(Why, { entry }),
      ),
    ),
    isOpen && h(Table.Row, { id }, h(Table.Cell, { colSpan: columns, bg: "bg.subtle", px: { base: 2, md: 10 } }, h(Details, { entry, zone }))),
  );
}

function Why({ entry }) {
  // A risk signal names the level with the one before.
  return h(Fragment, null, !isRiskAction(entry) && h(LevelBadge, { level: entry.risk_level }), " ", whyOf(entry));
}

function Who({ entry, name }) {
  // An entry about a source and not about a user has no name.
  if (!entry.user_name && !entry.user_id) return h(Text, { color: "fg.muted" }, entry.source);
  return h(StateLink, { to: { view: "person", user_name: entry.user_name, user_id: entry.user_id } }, name);
}

function Aside({ entry, zone }) {
  return h(
    Box,
    { display: NARROW, fontSize: "xs", mt: 1 },
    moment(entry.as_of, zone), " ", h(StatusBadge, { status: entry.status }),
    h(Box, { mt: 1, color: "fg.muted" }, h(Why, { entry })),
  );
}

function Target({ entry }) {
  // The issuer of a risk signal is always the same; it is among the details.
  if (!entry.target_name || !isGroupAction(entry)) return null;
  return h(Text, { fontSize: "xs", color: "fg.muted" }, entry.target_name);
}
