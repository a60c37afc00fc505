// SPDX-License-Identifier: Apache-2.0
// The period in four numbers.
import { StateLink } from "../shared/address.js";
import { Chakra, h } from "../shared/h.js";
import { CHANGES, number } from "../shared/words.js";

const { SimpleGrid, Stat } = Chakra;

const colorOf = (name, value) => (name === "failed" && value > 0 ? "fg.error" : "fg.info");

export function Totals({ data, rows }) {
  const { totals } = data;
  const tiles = [
    ["people", "Users changed in Okta", rows({ status: ["done"], action: CHANGES })],
    ["done", "Changes in Okta", rows({ status: ["done"], action: CHANGES })],
    ["failed", "Failures", rows({ status: ["failed"] })],
    ["in_groups", "Current members added by this provider", null],
  ];
  return h(
    SimpleGrid,
    { as: "section", "aria-label": "Totals", columns: { base: 2, md: 4 }, gap: 4 },
    tiles.map(([name, title, to]) =>
      h(
        Stat.Root,
        { key: name, borderWidth: 1, borderRadius: "md", p: 3, bg: "bg.panel", "data-testid": `total-${name}` },
        h(Stat.Label, null, title),
        h(Stat.ValueText, null, to ? h(StateLink, { to, color: colorOf(name, totals[name]) }, number(totals[name])) : number(totals[name])),
      ),
    ),
  );
}
