// SPDX-License-Identifier: Apache-2.0
// A person's score over time; below it each action has a lane of its own, so that no mark hides another.
import { ChartCard } from "../shared/chart.js";
import { h } from "../shared/h.js";
import { STATUS_PALETTE, shadeOf } from "../shared/palette.js";
import { after, day, moment } from "../shared/times.js";
import { ACTIONS, STATUSES, actionOf, titleOf } from "../shared/words.js";

const LANES = { add_to_group: "added", remove_from_group: "removed", push_risk: "signal", upsert_risk: "set", no_action: "recorded" };
const SHAPES = { add_to_group: "triangle", remove_from_group: "rectRot", push_risk: "circle", upsert_risk: "rect", no_action: "star" };
const WORTH_A_MARK = ["done", "failed", "skipped", "started", "planned"];

export function ScoreLine({ data, zone, person }) {
  const scores = data.scores.filter((one) => one.score !== null && one.score !== undefined);
  if (scores.length === 0) return null;
  const lanes = Object.keys(LANES)
    .map((action) => [action, eventsOf(data.events, action)])
    .filter(([, events]) => events.length > 0);
  const to = (moment_) => ({
    view: "log", user: person.user_name || person.user_id, since: moment_, until: after(moment_), show: "all",
  });
  const at = scores.map((one) => new Date(one.as_of).getTime());
  const range = rangeOf([...at, ...lanes.flatMap(([, events]) => events.map((entry) => new Date(entry.as_of).getTime()))]);
  const bounds = data.bounds ?? [];
  return h(ChartCard, {
    title: "Score over time",
    help: "Netskope's score, 0 to 1000: higher is safer. Marks are actions: green done, blue planned, yellow skipped, red failed."
      + (bounds.length ? ` Dashed lines: up to ${bounds[0]} is critical, up to ${bounds[1]} high, up to ${bounds[2]} medium.` : ""),
    height: `${260 + 30 * lanes.length}px`,
    config: (colour) => ({
      type: "line",
      data: {
        datasets: [
          {
            label: "score", data: scores.map((one, index) => ({ x: at[index], y: one.score })),
            borderColor: colour(shadeOf("blue")), backgroundColor: colour(shadeOf("blue")), pointRadius: 3, borderWidth: 2, order: 1, clip: false,
          },
          ...lanes.map(([action, events], lane) => ({
            label: titleOf(ACTIONS, action), type: "scatter", yAxisID: "actions", order: 0, clip: false,
            pointStyle: SHAPES[action], pointRadius: 6, pointHoverRadius: 8, borderWidth: 2,
            data: placed(events, lanes.length - lane, range),
            backgroundColor: events.map((entry) => colour(shadeOf(STATUS_PALETTE[entry.status] ?? "gray"))),
            borderColor: events.map((entry) => colour(shadeOf(STATUS_PALETTE[entry.status] ?? "gray"))),
          })),
          ...bounds.map((bound, level) => ({
            label: `bound ${bound}`, data: [{ x: range.min, y: bound }, { x: range.max, y: bound }],
            borderColor: colour(shadeOf(["red", "orange", "yellow"][level])), borderDash: [4, 4], borderWidth: 1,
            pointRadius: 0, pointHitRadius: 0, order: 2,
          })),
        ],
      },
      options: {
        layout: { padding: { top: 12 } },
        scales: {
          x: {
            type: "linear", grid: { display: false }, ...range,
            ticks: { callback: (value) => day(value, zone), autoSkip: true },
            afterBuildTicks: (axis) => { axis.ticks = thinned(at, range, zone).map((value) => ({ value })); },
          },
          y: { min: 0, max: 1000, stack: "both", stackWeight: 5, title: { display: true, text: "score (higher is safer)" } },
          ...(lanes.length > 0 && {
            actions: {
              type: "linear", min: 0.3, max: lanes.length + 0.7, stack: "both", stackWeight: lanes.length, offset: true,
              grid: { display: false },
              ticks: { autoSkip: false, callback: (value) => (lanes[lanes.length - value] ? LANES[lanes[lanes.length - value][0]] : "") },
              afterBuildTicks: (axis) => { axis.ticks = lanes.map((_, lane) => ({ value: lane + 1 })); },
            },
          }),
        },
        plugins: {
          legend: { display: false },
          tooltip: {
            filter: (item) => item.datasetIndex <= lanes.length,
            callbacks: {
              title: ([item]) => (item ? moment(new Date(item.parsed.x).toISOString(), zone) : ""),
              label: (item) => labelOf(item, lanes),
            },
          },
        },
      },
    }),
    table: {
      head: ["As of", "score", "risk level", "actions"],
      rows: scores.map((one) => [
        moment(one.as_of, zone),
        { text: String(one.score), to: to(one.as_of) },
        one.risk_level,
        data.events.filter((entry) => entry.as_of === one.as_of)
          .map((entry) => `${actionOf(entry)} (${titleOf(STATUSES, entry.status)})`).join("; "),
      ]),
    },
    target: (dataset, index) => {
      if (dataset === 0) return to(scores[index].as_of);
      return dataset <= lanes.length ? to(lanes[dataset - 1][1][index].as_of) : null;
    },
  });
}

const eventsOf = (events, action) =>
  events.filter((entry) => entry.action === action && WORTH_A_MARK.includes(entry.status));

// Those too close to be told apart, such as of two groups at one moment, stand above each other.
function placed(events, lane, { min, max }) {
  const near = (max - min) * 0.02;
  const places = events.map((entry) => new Date(entry.as_of).getTime());
  return places.map((x, at) => {
    const before = places.slice(0, at).filter((other) => Math.abs(other - x) < near).length;
    return { x, y: lane + [0, 0.3, -0.3, 0.15, -0.15][before % 5] };
  });
}

function labelOf(item, lanes) {
  if (item.datasetIndex === 0) return `score ${item.parsed.y}`;
  const [, events] = lanes[item.datasetIndex - 1];
  const entry = events[item.dataIndex];
  return `${actionOf(entry)} (${titleOf(STATUSES, entry.status)})`;
}

// A little room at both ends, so that no mark is cut.
function rangeOf(at) {
  const [first, last] = [Math.min(...at), Math.max(...at)];
  const margin = Math.max((last - first) * 0.03, 3_600_000);
  return { min: first - margin, max: last + margin };
}

// Returns the moments that get a label: one a day at most, and none that would run into the one before.
function thinned(at, { min, max }, zone) {
  const apart = (max - min) / 9;
  const kept = [];
  for (const value of at) {
    const last = kept.at(-1);
    if (last === undefined || (value - last >= apart && day(value, zone) !== day(last, zone))) kept.push(value);
  }
  return kept;
}
