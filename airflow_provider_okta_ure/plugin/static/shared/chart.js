// SPDX-License-Identifier: Apache-2.0
// A chart in a card: drawn for the eye, and as a table for everybody else; each mark leads somewhere.
import { StateLink, useAddress } from "./address.js";
import { Chakra, h, useEffect, useRef, useState } from "./h.js";
import { resolved, useColorMode } from "./palette.js";

const { Alert, Box, Button, Card, Checkbox, Flex, HStack, Heading, Table, Text } = Chakra;

let library;

// Returns Chart.js, which is read with the first chart.
async function load() {
  library ??= import("../vendor/chart.js/chart.umd.min.js").then(() => globalThis.Chart);
  return library;
}

/*
 * title, help   what is drawn, and how to read it
 * config        a function of colour(token, alpha): the type, data and options of Chart.js
 * table         {head: [text], rows: [[cell]]}: the same as a table; a cell is text or {text, to}
 * target        a function of (dataset, index): the state that a mark leads to, or null
 */
export function ChartCard({ title, help, config, table, target, height = "240px", children }) {
  const [isTable, setTable] = useState(false);
  const [error, setError] = useState(null);
  return h(
    Card.Root,
    // A table can have many columns; it gets the whole width.
    { as: "section", "aria-label": title, minW: 0, size: "sm", gridColumn: isTable ? "1 / -1" : undefined },
    h(
      Card.Body,
      { gap: 2 },
      h(
        Flex,
        { justify: "space-between", align: "start", gap: 2 },
        h(Heading, { as: "h3", size: "sm" }, title),
        h(
          Button,
          {
            size: "2xs", variant: "outline", flexShrink: 0,
            "aria-label": `${isTable ? "Chart" : "Table"}: ${title}`, onClick: () => setTable(!isTable),
          },
          isTable ? "Chart" : "Table",
        ),
      ),
      help && h(Text, { fontSize: "xs", color: "fg.muted" }, help),
      children,
      error && h(Alert.Root, { status: "warning" }, h(Alert.Title, null, "The chart cannot be drawn; its table is shown.")),
      isTable || error
        ? h(DataTable, { title, ...table })
        : h(Drawing, { title, config, target, height, rows: table.rows.length, onError: setError }),
    ),
  );
}

// The legend, which also chooses what is drawn.
export function DrawnBoxes({ title, names, titles = {}, palettes, hidden, setHidden }) {
  const change = (name, isOn) => setHidden(isOn ? hidden.filter((one) => one !== name) : [...hidden, name]);
  return h(
    HStack,
    { role: "group", "aria-label": `Shown: ${title}`, gap: 3, wrap: "wrap" },
    names.map((name) =>
      h(
        Checkbox.Root,
        {
          key: name, size: "xs", colorPalette: palettes[name], checked: !hidden.includes(name),
          onCheckedChange: ({ checked }) => change(name, checked === true),
        },
        h(Checkbox.HiddenInput),
        h(Checkbox.Control),
        h(Checkbox.Label, null, titles[name] ?? name),
      ),
    ),
  );
}

function Drawing({ title, config, target, height, rows, onError }) {
  const canvas = useRef(null);
  const mode = useColorMode();
  const { go } = useAddress();
  const latest = useRef({});
  latest.current = { target, go };
  const colour = (token, alpha) => resolved(token, mode, alpha);
  const wanted = config(colour);
  const key = JSON.stringify([mode, wanted]);
  useEffect(() => {
    let chart;
    let isGone = false;
    load().then((Chart) => {
      if (isGone || canvas.current === null) return;
      chart = new Chart(canvas.current, finished(wanted, colour, latest));
    }).catch(onError);
    return () => {
      isGone = true;
      chart?.destroy();
    };
    // The key stands for everything that is drawn.
  }, [key]);
  return h(
    Box,
    { position: "relative", height, width: "100%", minW: 0 },
    h("canvas", { ref: canvas, role: "img", "aria-label": `${title}, a chart of ${rows} points. The Table button shows its numbers.` }),
  );
}

function finished({ type, data, options = {} }, colour, latest) {
  const hit = (event, chart) => {
    const [mark] = chart.getElementsAtEventForMode(event, "nearest", { intersect: true }, true);
    return mark && latest.current.target?.(mark.datasetIndex, mark.index);
  };
  return {
    type,
    data,
    options: {
      responsive: true,
      maintainAspectRatio: false,
      animation: false,
      color: colour("fg.muted"),
      ...options,
      scales: Object.fromEntries(
        Object.entries(options.scales ?? {}).map(([name, scale]) => [name, coloured(scale, colour)]),
      ),
      plugins: {
        ...options.plugins,
        legend: {
          position: "bottom", ...options.plugins?.legend,
          labels: { boxWidth: 12, boxHeight: 12, color: colour("fg.muted"), ...options.plugins?.legend?.labels },
        },
      },
      onClick: (event, _, chart) => {
        const next = hit(event, chart);
        if (next) latest.current.go(next);
      },
      onHover: (event, _, chart) => {
        event.native.target.style.cursor = hit(event, chart) ? "pointer" : "default";
      },
    },
  };
}

function coloured(scale, colour) {
  return {
    border: { color: colour("border") },
    ...scale,
    grid: { color: colour("border"), ...scale.grid },
    ticks: { color: colour("fg.muted"), maxRotation: 0, autoSkip: true, ...scale.ticks },
    title: { color: colour("fg.muted"), ...scale.title },
  };
}

function DataTable({ title, head, rows }) {
  return h(
    Table.ScrollArea,
    { maxH: "360px", borderWidth: 1, tabIndex: 0, role: "group", "aria-label": `Table: ${title}` },
    h(
      Table.Root,
      { size: "sm", stickyHeader: true, "aria-label": title },
      h(
        Table.Header,
        null,
        h(Table.Row, null, head.map((text, at) =>
          h(Table.ColumnHeader, { key: text, scope: "col", textAlign: at ? "end" : "start", whiteSpace: "nowrap" }, text))),
      ),
      h(
        Table.Body,
        null,
        rows.map((row, at) =>
          h(Table.Row, { key: at }, row.map((cell, column) =>
            h(
              Table.Cell,
              { key: column, as: column ? "td" : "th", scope: column ? undefined : "row", textAlign: column ? "end" : "start", fontWeight: "normal" },
              cell?.to ? h(StateLink, { to: cell.to }, cell.text) : cell?.text ?? cell,
            ))),
        ),
      ),
    ),
  );
}
