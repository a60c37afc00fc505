// SPDX-License-Identifier: Apache-2.0
// Users per risk level over time.
import { ChartCard, DrawnBoxes } from "../shared/chart.js";
import { h, useState } from "../shared/h.js";
import { LEVEL_PALETTE, shadeOf } from "../shared/palette.js";
import { after, labels, moment } from "../shared/times.js";

const LEVELS = ["high", "medium", "low", "none"];

export function LevelsChart({ data, zone, rows }) {
  const points = data.levels;
  // Most users are safe; they would hide everybody else.
  const [hidden, setHidden] = useState(["low", "none"]);
  const shown = LEVELS.filter((level) => !hidden.includes(level));
  const to = (level, point) => rows({ risk_level: [level], since: point.as_of, until: after(point.as_of), days: null, show: "all" });
  const title = "Users evaluated per run, by risk level";
  return h(
    ChartCard,
    {
      title,
      help: "Okta's risk levels: higher is riskier.",
      config: (colour) => ({
        type: "bar",
        data: {
          labels: labels(points.map((one) => one.as_of), zone),
          datasets: shown.map((level) => ({
            label: level, data: points.map((one) => one[level]),
            backgroundColor: colour(shadeOf(LEVEL_PALETTE[level])), stack: "levels",
          })),
        },
        options: {
          plugins: { legend: { display: false } },
          scales: { x: { stacked: true, grid: { display: false } }, y: { stacked: true, beginAtZero: true, ticks: { precision: 0 } } },
        },
      }),
      table: {
        head: ["As of", ...LEVELS],
        rows: points.map((one) => [
          moment(one.as_of, zone),
          ...LEVELS.map((level) => ({ text: String(one[level]), to: one[level] ? to(level, one) : null })),
        ]),
      },
      target: (dataset, index) => to(shown[dataset], points[index]),
    },
    h(DrawnBoxes, { title, names: LEVELS, palettes: LEVEL_PALETTE, hidden, setHidden }),
  );
}
