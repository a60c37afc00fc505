// SPDX-License-Identifier: Apache-2.0
// The colours of levels and statuses: Chakra's palettes, and what they are right now for a canvas.
import { React } from "./h.js";

export const LEVEL_PALETTE = { high: "red", medium: "orange", low: "green", none: "gray" };
export const STATUS_PALETTE = {
  done: "green", unchanged: "gray", skipped: "yellow", failed: "red", planned: "blue", started: "purple",
};

// The shades of a chart's areas: to be told apart on light and on dark ground.
const SHADES = { red: 500, orange: 400, green: 500, gray: 300, yellow: 400, blue: 500, purple: 400, teal: 500, pink: 400 };

export const shadeOf = (palette) => `${palette}.${SHADES[palette] ?? 500}`;

const known = new Map();
let canvas;

// Returns a colour that a canvas and Chart.js both understand; Airflow's own are written in oklch.
export function resolved(token, mode, alpha = 1) {
  const key = `${token}/${mode}/${alpha}`;
  if (!known.has(key)) known.set(key, painted(token, alpha));
  return known.get(key);
}

function painted(token, alpha) {
  const name = `--chakra-colors-${token.replaceAll(".", "-")}`;
  const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  canvas ??= Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", {
    willReadFrequently: true,
  });
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = "gray";
  canvas.fillStyle = value;
  canvas.fillRect(0, 0, 1, 1);
  const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
  return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
}

function listen(changed) {
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["class", "data-theme"] });
  return () => observer.disconnect();
}

// Returns "light" or "dark", and draws again when it changes.
export const useColorMode = () =>
  React.useSyncExternalStore(listen, () => (document.documentElement.classList.contains("dark") ? "dark" : "light"));
