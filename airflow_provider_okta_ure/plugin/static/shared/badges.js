// SPDX-License-Identifier: Apache-2.0
// Levels and statuses as coloured words; the word alone says it, too.
import { Chakra, h } from "./h.js";
import { LEVEL_PALETTE, STATUS_PALETTE } from "./palette.js";
import { LEVELS, STATUSES, STATUS_HELP, titleOf } from "./words.js";

const { Badge } = Chakra;

export function StatusBadge({ status }) {
  const colorPalette = STATUS_PALETTE[status] ?? "gray";
  return h(Badge, { colorPalette, title: STATUS_HELP[status] }, titleOf(STATUSES, status));
}

export function LevelBadge({ level }) {
  if (!level) return null;
  return h(Badge, { colorPalette: LEVEL_PALETTE[level] ?? "gray", title: "Okta's risk level: higher is riskier" },
    `risk ${titleOf(LEVELS, level)}`);
}
