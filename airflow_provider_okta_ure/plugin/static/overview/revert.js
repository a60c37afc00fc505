// SPDX-License-Identifier: Apache-2.0
// Whether a run was undone, and the way to undo it: the DAG that does it, and the values for its form.
import { AirflowLink } from "../shared/address.js";
import { Chakra, h, useState } from "../shared/h.js";
import { moment } from "../shared/times.js";

const { Alert, Box, Button, Card, Code, Heading, HStack, Text } = Chakra;

// One line for each run that undid something of this one.
export function RevertedBy({ runs, zone }) {
  return runs.map((one) =>
    h(
      Alert.Root,
      { key: `${one.dag_id} ${one.run_id} ${one.recorded_at}`, status: "info", "data-testid": "reverted" },
      h(Alert.Indicator),
      h(
        Alert.Title,
        { wordBreak: "break-word" },
        one.is_whole ? "This run was reverted by " : "Part of this run was reverted by ",
        one.dag_id
          ? h(AirflowLink, { path: one.link, color: "inherit", textDecoration: "underline" }, `${one.dag_id} / ${one.run_id}`)
          : "a run of another DAG",
        `, ${moment(one.recorded_at, zone)}`,
        one.asked_by && `, asked for by ${one.asked_by}`,
      ),
    ));
}

// The page itself triggers nothing.
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
