// SPDX-License-Identifier: Apache-2.0
// Users per risk level over time.
import { ChartCard } from "../shared/chart.js";
import { h } from "../shared/h.js";
import { LEVEL_PALETTE, shadeOf } from "../shared/palette.js";
import { after, labels, moment } from "../shared/times.js";

const LEVELS = ["high", "medium", "low", "none"];

export function LevelsChart({ data, zone, rows }) {
  const points = data.levels;
  const to = (level, point) => rows({ risk_level: [level], since: point.as_of, until: after(point.as_of), days: null });
  return h(ChartCard, {
    title: "People per risk level",
    help: "Everybody a run decided about, by the risk level they had then. Risk levels point up to risk.",
    config: (colour) => ({
      type: "bar",
      data: {
        labels: labels(points.map((one) => one.as_of), zone),
        datasets: LEVELS.map((level) => ({
          label: level, data: points.map((one) => one[level]),
          backgroundColor: colour(shadeOf(LEVEL_PALETTE[level])), stack: "levels",
        })),
      },
      options: { scales: { x: { stacked: true, grid: { display: false } }, y: { stacked: true, beginAtZero: true, ticks: { precision: 0 } } } },
    }),
    table: {
      head: ["As of", ...LEVELS],
      rows: points.map((one) => [
        moment(one.as_of, zone),
        ...LEVELS.map((level) => ({ text: String(one[level]), to: one[level] ? to(level, one) : null })),
      ]),
    },
    target: (dataset, index) => to(LEVELS[dataset], points[index]),
  });
}
