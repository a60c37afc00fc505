// SPDX-License-Identifier: Apache-2.0
// The runs side by side: what each did, what Okta confirmed, how long it took.
import { ChartCard, DrawnBoxes } from "../shared/chart.js";
import { Fragment, h, useState } from "../shared/h.js";
import { STATUS_PALETTE, shadeOf } from "../shared/palette.js";
import { labels, moment } from "../shared/times.js";
import { ACTIONS, STATUSES, titleOf } from "../shared/words.js";

const STATUS_ORDER = ["done", "planned", "failed", "skipped", "started", "unchanged"];
const STACKED = { scales: { x: { stacked: true, grid: { display: false } }, y: { stacked: true, beginAtZero: true, ticks: { precision: 0 } } } };

const labelsOf = (data, zone) => labels(data.runs.map((run) => run.as_of), zone);
const nameOf = (run, zone) => `${moment(run.as_of, zone)} ${run.dag_id}`;
const exactly = (run) => ({ dag_id: run.dag_id, run_id: run.run_id, since: null, until: null, days: null, show: "all" });

// One chart for each kind of action, in the order of the catalogue of words.
export function ActionCharts({ data, zone, rows }) {
  const kinds = Object.keys(ACTIONS).filter((kind) => data.runs.some((run) => run.actions[kind]));
  return h(Fragment, null, kinds.map((kind) => h(ActionChart, { key: kind, kind, data, zone, rows })));
}

function ActionChart({ kind, data, zone, rows }) {
  const countOf = (run, status) => run.actions[kind]?.[status] ?? 0;
  const present = STATUS_ORDER.filter((status) => data.runs.some((run) => countOf(run, status)));
  // Most users need no change most days; they would hide everybody else.
  const [hidden, setHidden] = useState(["unchanged"]);
  const shown = present.filter((status) => !hidden.includes(status));
  const to = (run, status) => rows({ ...exactly(run), action: [kind], status: [status] });
  const title = titleOf(ACTIONS, kind);
  return h(
    ChartCard,
    {
      title: `${title}: users per run`,
      config: (colour) => ({
        type: "bar",
        data: {
          labels: labelsOf(data, zone),
          datasets: shown.map((status) => ({
            label: titleOf(STATUSES, status), data: data.runs.map((run) => countOf(run, status)),
            backgroundColor: colour(shadeOf(STATUS_PALETTE[status])), stack: "statuses",
          })),
        },
        options: { ...STACKED, plugins: { legend: { display: false } } },
      }),
      table: {
        head: ["Run", ...present.map((status) => titleOf(STATUSES, status))],
        rows: data.runs.map((run) => [
          nameOf(run, zone),
          ...present.map((status) => ({ text: String(countOf(run, status)), to: countOf(run, status) ? to(run, status) : null })),
        ]),
      },
      target: (dataset, index) => to(data.runs[index], shown[dataset]),
    },
    h(DrawnBoxes, { title, names: present, titles: STATUSES, palettes: STATUS_PALETTE, hidden, setHidden }),
  );
}

export function ConfirmedChart({ data, zone, rows }) {
  const runs = data.runs;
  const parts = [
    ["confirmed", "found in the System Log", "green"],
    ["missing", "not found", "red"],
    ["open", "not looked up yet", "gray"],
  ];
  const countOf = (run, part) => (part === "open" ? Math.max(0, run.pushed - run.confirmed - run.missing) : run[part]);
  const to = (run) => rows({ ...exactly(run), action: ["push_risk"], status: ["done"] });
  return h(ChartCard, {
    title: "Risk signals sent and confirmed",
    help: "Okta acknowledges signals before processing them; the System Log shows which arrived.",
    config: (colour) => ({
      type: "bar",
      data: {
        labels: labelsOf(data, zone),
        datasets: parts.map(([part, label, palette]) => ({
          label, data: runs.map((run) => countOf(run, part)), backgroundColor: colour(shadeOf(palette)), stack: "pushed",
        })),
      },
      options: STACKED,
    }),
    table: {
      head: ["Run", "sent", ...parts.map(([, label]) => label)],
      rows: runs.map((run) => [
        nameOf(run, zone),
        { text: String(run.pushed), to: run.pushed ? to(run) : null },
        ...parts.map(([part]) => String(countOf(run, part))),
      ]),
    },
    target: (_, index) => to(runs[index]),
  });
}

export function SecondsChart({ data, zone, rows }) {
  const runs = data.runs.filter((run) => run.seconds !== null && run.seconds !== undefined);
  if (runs.length === 0) return null;
  return h(ChartCard, {
    title: "Duration per run",
    help: "Total duration of the tasks of a run, in seconds.",
    config: (colour) => ({
      type: "bar",
      data: {
        labels: labels(runs.map((run) => run.as_of), zone),
        datasets: [{ label: "seconds", data: runs.map((run) => run.seconds), backgroundColor: colour(shadeOf("blue")) }],
      },
      options: { plugins: { legend: { display: false } }, scales: { x: { grid: { display: false } }, y: { beginAtZero: true } } },
    }),
    table: {
      head: ["Run", "seconds"],
      rows: runs.map((run) => [nameOf(run, zone), { text: run.seconds.toFixed(1), to: rows(exactly(run)) }]),
    },
    target: (_, index) => rows(exactly(runs[index])),
  });
}
