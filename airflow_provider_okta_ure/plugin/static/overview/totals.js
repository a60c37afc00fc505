// SPDX-License-Identifier: Apache-2.0
// The period in four numbers.
import { StateLink } from "../shared/address.js";
import { Chakra, h } from "../shared/h.js";
import { number } from "../shared/words.js";

const { SimpleGrid, Stat } = Chakra;

export function Totals({ data, rows }) {
  const { totals } = data;
  const tiles = [
    ["people", "People acted on", rows({ status: ["done"] })],
    ["done", "Changes in Okta", rows({ status: ["done"] })],
    ["failed", "Failures", rows({ status: ["failed"] })],
    ["in_groups", "In groups because of us now", null],
  ];
  return h(
    SimpleGrid,
    { as: "section", "aria-label": "Totals", columns: { base: 2, md: 4 }, gap: 4 },
    tiles.map(([name, title, to]) =>
      h(
        Stat.Root,
        { key: name, borderWidth: 1, borderRadius: "md", p: 3, "data-testid": `total-${name}` },
        h(Stat.Label, null, title),
        h(Stat.ValueText, null, to ? h(StateLink, { to }, number(totals[name])) : number(totals[name])),
      ),
    ),
  );
}
