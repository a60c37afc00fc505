// SPDX-License-Identifier: Apache-2.0
// That all writes to Okta are paused, above every view: whatever else is shown, nothing is being done.
import { useAnswer } from "./api.js";
import { Chakra, h, useEffect } from "./h.js";
import { moment } from "./times.js";

const { Alert } = Chakra;
const LOOK_AGAIN = 60 * 1000;

// Asked again with each view, and while a view stays open.
export function Paused({ zone }) {
  const { data, reload } = useAnswer("pause");
  useEffect(() => {
    const timer = globalThis.setInterval(reload, LOOK_AGAIN);
    return () => globalThis.clearInterval(timer);
  }, [reload]);
  if (!data?.paused) return null;
  const { is_known, remedy } = data.paused;
  return h(
    Alert.Root,
    { status: "warning", role: "alert", mt: 4, alignItems: "start", "data-testid": "paused" },
    h(Alert.Indicator),
    h(
      Alert.Content,
      { minW: 0 },
      h(Alert.Title, { wordBreak: "break-word" }, is_known ? pausedTitle(data.paused, zone) : unknownTitle(data.paused)),
      remedy && h(Alert.Description, { wordBreak: "break-word" }, remedy),
    ),
  );
}

function pausedTitle({ since, by, reason }, zone) {
  const parts = ["Paused", since && `since ${moment(since, zone)}`, by && `by ${by}`].filter(Boolean);
  return `${parts.join(" ")}${reason ? `: ${ended(reason)}` : "."} Nothing is written to Okta.`;
}

const unknownTitle = ({ reason }) => `Whether all writes are paused is not known, so nothing is written to Okta. ${reason}`;

const ended = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);
