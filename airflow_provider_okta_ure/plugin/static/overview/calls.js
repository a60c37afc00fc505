// SPDX-License-Identifier: Apache-2.0
// How much of each rate limit a run used.
import { ChartCard } from "../shared/chart.js";
import { h } from "../shared/h.js";
import { shadeOf } from "../shared/palette.js";
import { labels, moment } from "../shared/times.js";

const PALETTES = ["blue", "purple", "teal", "orange", "pink", "gray"];

export function CallsChart({ data, zone, rows }) {
  const runs = data.runs.filter((run) => Object.keys(run.calls ?? {}).length > 0);
  if (runs.length === 0) return null;
  const buckets = [...new Set(runs.flatMap((run) => Object.keys(run.calls)))].sort();
  const to = (run) => rows({ dag_id: run.dag_id, run_id: run.run_id, since: null, until: null, days: null });
  return h(ChartCard, {
    title: "Calls per run against the rate limit",
    help: "API calls of a run in percent of what the service allows in one minute. Values above 100 % are normal: "
      + "the run waits, and takes longer than a minute.",
    config: (colour) => ({
      type: "line",
      data: {
        labels: labels(runs.map((run) => run.as_of), zone),
        datasets: buckets.map((bucket, at) => ({
          label: bucket, data: runs.map((run) => percentOf(run.calls[bucket])), spanGaps: true, pointRadius: 4,
          borderColor: colour(shadeOf(PALETTES[at % PALETTES.length])),
          backgroundColor: colour(shadeOf(PALETTES[at % PALETTES.length])),
        })),
      },
      options: {
        scales: {
          x: { grid: { display: false } },
          y: { beginAtZero: true, title: { display: true, text: "% of one minute's limit" } },
        },
      },
    }),
    table: {
      head: ["Run", ...buckets],
      rows: runs.map((run) => [
        `${moment(run.as_of, zone)} ${run.dag_id}`,
        ...buckets.map((bucket) => (run.calls[bucket] ? { text: said(run.calls[bucket]), to: to(run) } : "")),
      ]),
    },
    target: (_, index) => to(runs[index]),
  });
}

const percentOf = (one) => (one?.limit ? Math.round((1000 * one.calls) / one.limit) / 10 : null);
const said = ({ calls, limit }) => (limit ? `${calls} of ${limit}` : `${calls} (limit unknown)`);
