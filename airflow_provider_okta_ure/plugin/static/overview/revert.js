// SPDX-License-Identifier: Apache-2.0
// The way to undo a run: the DAG that does it, and the values for its form. The page itself triggers nothing.
import { AirflowLink } from "../shared/address.js";
import { Chakra, h, useState } from "../shared/h.js";

const { Box, Button, Card, Code, Heading, HStack, Text } = Chakra;

export function Revert({ revert }) {
  const [isOpen, setIsOpen] = useState(false);
  if (!revert) return null;
  return h(
    Box,
    { "data-testid": "revert" },
    h(Button, { size: "sm", variant: "outline", "aria-expanded": isOpen, onClick: () => setIsOpen(!isOpen) }, "Revert this run…"),
    isOpen && h(Steps, { revert }),
  );
}

function Steps({ revert }) {
  const conf = JSON.stringify(revert.conf, null, 2);
  const [isCopied, setIsCopied] = useState(false);
  const copy = () => globalThis.navigator.clipboard.writeText(conf).then(() => setIsCopied(true), () => setIsCopied(false));
  return h(
    Card.Root,
    { mt: 2, as: "section", "aria-label": "Revert this run" },
    h(
      Card.Body,
      { gap: 2 },
      h(Heading, { as: "h3", size: "md" }, "Undo what this run did in Okta"),
      h(Text, { fontSize: "sm" },
        `Trigger ${revert.dag_id} with these values: in its form, or as Configuration JSON under Advanced Options. `
        + "It starts as a dry run, which shows user by user what would be undone and what cannot be."),
      h(Code, { as: "pre", p: 2, whiteSpace: "pre-wrap", wordBreak: "break-all", "data-testid": "revert-conf" }, conf),
      h(
        HStack,
        { gap: 4, wrap: "wrap" },
        // Browsers have no clipboard for pages without TLS.
        globalThis.navigator.clipboard && h(Button, { size: "sm", variant: "outline", onClick: copy }, isCopied ? "Copied" : "Copy the values"),
        h(AirflowLink, { path: revert.link }, `Open ${revert.dag_id}`),
      ),
    ),
  );
}
