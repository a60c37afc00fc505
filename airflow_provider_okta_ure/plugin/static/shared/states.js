// SPDX-License-Identifier: Apache-2.0
// What is shown when there is nothing to show: why, and what to do next.
import { Chakra, React, Router, h } from "./h.js";

const { Alert, Box, Button, EmptyState, HStack, Skeleton, Stack, Text, VisuallyHidden } = Chakra;

export function Loading({ lines = 4, what = "Loading" }) {
  return h(
    Stack,
    { gap: 3, role: "status", "data-testid": "loading" },
    h(VisuallyHidden, null, `${what} …`),
    Array.from({ length: lines }, (_, line) => h(Skeleton, { key: line, height: 8, "aria-hidden": true })),
  );
}

// Nothing was found; children say what to do.
export function Nothing({ title, children, testId = "empty" }) {
  return h(
    EmptyState.Root,
    { "data-testid": testId },
    h(
      EmptyState.Content,
      null,
      h(EmptyState.Title, null, title),
      h(EmptyState.Description, { as: "div", textAlign: "center", maxW: "lg" }, children),
    ),
  );
}

// A refusal with its remedy and, where it may help, another try.
export function Problem({ error, retry }) {
  const { title, advice, status } = explained(error);
  return h(
    Alert.Root,
    { status, role: "alert", "data-testid": `problem-${error.state || error.status || "unknown"}`, alignItems: "start" },
    h(Alert.Indicator),
    h(
      Alert.Content,
      null,
      h(Alert.Title, null, title),
      h(
        Alert.Description,
        { as: "div" },
        error.message && h(Text, null, error.message),
        advice && h(Text, { mt: 1 }, advice),
        h(
          HStack,
          { mt: 3, gap: 2, wrap: "wrap" },
          error.status === 401
            ? h(Button, { size: "sm", onClick: () => globalThis.location.reload() }, "Sign in again")
            : retry && h(Button, { size: "sm", variant: "outline", onClick: retry }, "Try again"),
          error.state === "no_action_log" &&
            h(Button, { size: "sm", asChild: true }, h(Router.Link, { to: "/dags" }, "Show the DAGs")),
        ),
      ),
    ),
  );
}

function explained(error) {
  const { state, status, remedy } = error;
  if (state === "no_action_log") {
    return { status: "info", title: "There is no action log yet", advice: remedy };
  }
  if (state === "unreachable" || state === "misconfigured") return { status: "error", title: "The action log cannot be read", advice: remedy };
  if (state === "busy") return { status: "warning", title: "The action log is busy", advice: remedy };
  if (status === 401) return { status: "warning", title: "You are no longer signed in", advice: remedy };
  if (status === 403) {
    const ask = "Ask an administrator of this Airflow for a role that may see plugin pages and the DAG.";
    return { status: "warning", title: "You do not have permission to see this", advice: remedy || ask };
  }
  if (status === 404) return { status: "warning", title: "Not found", advice: remedy };
  if (status >= 400 && status < 500) return { status: "warning", title: "This request is not valid", advice: remedy };
  return { status: "error", title: "This could not be loaded", advice: remedy };
}

// The address names a date that is none.
export function WrongDate({ name, value, forget }) {
  return h(
    Alert.Root,
    { status: "warning", role: "alert", alignItems: "start", "data-testid": "problem-date" },
    h(Alert.Indicator),
    h(
      Alert.Content,
      null,
      h(Alert.Title, null, "The address contains an invalid date"),
      h(
        Alert.Description,
        { as: "div" },
        h(Text, { wordBreak: "break-word" }, `${name === "since" ? "From" : "Until"} is “${value}”. Write it as 2026-11-23T00:00:00Z, or choose a period.`),
        h(Button, { size: "sm", variant: "outline", mt: 3, onClick: forget }, "Remove this date"),
      ),
    ),
  );
}

// Shows an answer, or why there is none; children is a function of the data.
export function Answer({ answer, lines, what, children }) {
  const { data, error, isLoading, reload } = answer;
  if (error) return h(Problem, { error, retry: reload });
  if (data === undefined) return h(Loading, { lines, what });
  return h(Box, { "aria-busy": isLoading, opacity: isLoading ? 0.6 : 1 }, children(data));
}

// A mistake in the page itself must not look like an empty log.
export class Boundary extends React.Component {
  state = { error: null };

  static getDerivedStateFromError(error) {
    return { error };
  }

  render() {
    if (this.state.error === null) return this.props.children;
    const error = { message: String(this.state.error), remedy: "Reload the page. If it stays, please report it." };
    return h(Problem, { error, retry: () => this.setState({ error: null }) });
  }
}
