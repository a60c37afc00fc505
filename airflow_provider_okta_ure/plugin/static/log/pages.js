// SPDX-License-Identifier: Apache-2.0
// From page to page: the address holds where a page begins, so the browser's back button works, too.
import { Chakra, h } from "../shared/h.js";

const { Button, HStack } = Chakra;

export function Pages({ next, cursor, values, go }) {
  if (!next && !cursor) return null;
  const to = (where) => {
    go({ ...values, cursor: where });
    document.querySelector("[data-re-rows]")?.focus({ preventScroll: false });
  };
  return h(
    HStack,
    { as: "nav", "aria-label": "Pages", justify: "end", gap: 2 },
    h(Button, { size: "sm", variant: "outline", disabled: !cursor, onClick: () => to(null) }, "First page"),
    h(Button, { size: "sm", variant: "outline", disabled: !next, onClick: () => to(next) }, "Next page"),
  );
}
