// SPDX-License-Identifier: Apache-2.0
// A person's score over time, with every action marked on it.
import { ChartCard } from "../shared/chart.js";
import { h } from "../shared/h.js";
import { STATUS_PALETTE, shadeOf } from "../shared/palette.js";
import { after, day, moment } from "../shared/times.js";
import { ACTIONS, STATUSES, titleOf } from "../shared/words.js";

// Shape, size and how much of the colour: several things at one moment are drawn around each other.
const MARKS = {
  add_to_group: ["triangle", 7, 1], remove_from_group: ["rectRot", 7, 1], no_action: ["star", 7, 1],
  push_risk: ["circle", 13, 0.35], upsert_risk: ["rect", 13, 0.35],
};
const WORTH_A_MARK = ["done", "failed", "skipped", "started", "planned"];

export function ScoreLine({ data, zone, person }) {
  const scores = data.scores.filter((one) => one.score !== null && one.score !== undefined);
  if (scores.length === 0) return null;
  const marks = Object.keys(MARKS)
    .map((action) => [action, eventsOf(data.events, action)])
    .filter(([, events]) => events.length > 0);
  const to = (moment_) => ({
    view: "log", user: person.user_name || person.user_id, since: moment_, until: after(moment_),
  });
  const at = scores.map((one) => new Date(one.as_of).getTime());
  return h(ChartCard, {
    title: "Score over time",
    help: "Netskope's score, 0 to 1000: higher is safer. Each mark is something that was done, or was not.",
    height: "280px",
    config: (colour) => ({
      type: "line",
      data: {
        datasets: [
          {
            label: "score", data: scores.map((one, index) => ({ x: at[index], y: one.score })),
            borderColor: colour(shadeOf("blue")), backgroundColor: colour(shadeOf("blue")), pointRadius: 2, borderWidth: 2, order: 2, clip: false,
          },
          ...marks.map(([action, events]) => ({
            ...markOf(action), label: titleOf(ACTIONS, action), type: "scatter", order: 1, clip: false,
            data: events.map((entry) => ({ x: new Date(entry.as_of).getTime(), y: entry.score ?? scoreAt(scores, entry.as_of) })),
            backgroundColor: events.map((entry) => colour(shadeOf(STATUS_PALETTE[entry.status] ?? "gray"), MARKS[action][2])),
            borderColor: events.map((entry) => colour(shadeOf(STATUS_PALETTE[entry.status] ?? "gray"))),
          })),
        ],
      },
      options: {
        // Room for a mark at the very top.
        layout: { padding: { top: 12 } },
        scales: {
          x: {
            type: "linear", grid: { display: false }, ...rangeOf(at),
            ticks: { callback: (value) => day(value, zone), autoSkip: true },
            afterBuildTicks: (axis) => { axis.ticks = thinned(at).map((value) => ({ value })); },
          },
          y: { min: 0, max: 1000, title: { display: true, text: "score (higher is safer)" } },
        },
        plugins: {
          legend: { labels: { usePointStyle: true } },
          tooltip: { callbacks: {
            title: ([item]) => moment(new Date(item.parsed.x).toISOString(), zone),
            label: (item) => labelOf(item, marks),
          } },
        },
      },
    }),
    table: {
      head: ["As of", "score", "risk level", "what was done"],
      rows: scores.map((one) => [
        moment(one.as_of, zone),
        { text: String(one.score), to: to(one.as_of) },
        one.risk_level,
        data.events.filter((entry) => entry.as_of === one.as_of)
          .map((entry) => `${titleOf(ACTIONS, entry.action)}: ${titleOf(STATUSES, entry.status)}`).join("; "),
      ]),
    },
    target: (dataset, index) => to(dataset === 0 ? scores[index].as_of : marks[dataset - 1][1][index].as_of),
  });
}

function markOf(action) {
  const [pointStyle, pointRadius] = MARKS[action];
  return { pointStyle, pointRadius, pointHoverRadius: pointRadius + 2 };
}

const eventsOf = (events, action) =>
  events.filter((entry) => entry.action === action && WORTH_A_MARK.includes(entry.status));

// Whoever is acted on without a score is marked where the line was then.
function scoreAt(scores, moment_) {
  const before = scores.filter((one) => one.as_of <= moment_);
  return (before.at(-1) ?? scores[0]).score;
}

function labelOf(item, marks) {
  if (item.datasetIndex === 0) return `score ${item.parsed.y}`;
  const [action, events] = marks[item.datasetIndex - 1];
  return `${titleOf(ACTIONS, action)}: ${titleOf(STATUSES, events[item.dataIndex].status)}`;
}

// A little room at both ends, so that no mark is cut.
function rangeOf(at) {
  const margin = Math.max((at.at(-1) - at[0]) * 0.03, 3_600_000);
  return { min: at[0] - margin, max: at.at(-1) + margin };
}

function thinned(at) {
  const step = Math.ceil(at.length / 10);
  return at.filter((_, index) => index % step === 0);
}
