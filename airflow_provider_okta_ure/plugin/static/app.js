// SPDX-License-Identifier: Apache-2.0
// The page: three views of one action log, of everything, of one DAG or of one run.
import { LogView } from "./log/log.js";
import { Overview } from "./overview/overview.js";
import { PersonView } from "./person/person.js";
import { StateLink, periodOf, useAddress } from "./shared/address.js";
import { Chakra, h } from "./shared/h.js";
import { Paused } from "./shared/paused.js";
import { Boundary } from "./shared/states.js";
import { useZone } from "./shared/times.js";

const { Box, Flex, HStack, Heading, Text } = Chakra;

const VIEWS = { overview: ["Overview", Overview], log: ["Action log", LogView], person: ["Person", PersonView] };

// Airflow says where the page is: nowhere in particular, in a DAG, or in a run of it.
export function App({ dagId, runId }) {
  return h(
    Box,
    // Airflow's own frame around the page does not scroll everywhere.
    { height: "100%", overflowY: "auto", overflowX: "hidden", p: { base: 2, md: 4 }, "data-testid": "risk-exchange" },
    h(Boundary, null, h(Page, { scope: { dag_id: dagId, run_id: runId } })),
  );
}

function Page({ scope }) {
  const { values } = useAddress();
  const zone = useZone();
  const [, View] = VIEWS[values.view] ?? VIEWS.overview;
  return h(
    Box,
    { maxW: "1600px", mx: "auto" },
    h(
      Flex,
      { justify: "space-between", align: "baseline", wrap: "wrap", gap: 2, mb: 2 },
      // A tab of a DAG or a run has its name above it already.
      h(Heading, { as: "h1", size: "xl", srOnly: Boolean(scope.dag_id) }, "User Risk"),
      h(Text, { fontSize: "sm", color: "fg.muted", "data-testid": "zone" }, `${nameOfScope(scope)}Times in ${zone}`),
    ),
    h(Navigation, { values }),
    h(Paused, { key: values.view, zone }),
    h(Box, { as: "section", mt: 4, "aria-label": (VIEWS[values.view] ?? VIEWS.overview)[0] }, h(View, { scope, zone })),
  );
}

function nameOfScope({ dag_id, run_id }) {
  if (run_id) return `Run ${run_id} · `;
  return dag_id ? `DAG ${dag_id} · ` : "";
}

// Links, not tabs: each view is an address of its own.
function Navigation({ values }) {
  const current = VIEWS[values.view] ? values.view : "overview";
  return h(
    HStack,
    { as: "nav", "aria-label": "Views", gap: 0, borderBottomWidth: 1, overflowX: "auto" },
    Object.entries(VIEWS).map(([view, [title]]) =>
      h(
        StateLink,
        {
          key: view,
          to: { ...periodOf(values), view },
          "aria-current": view === current ? "page" : undefined,
          px: 4, py: 2, mb: "-1px", whiteSpace: "nowrap",
          color: view === current ? "fg" : "fg.muted",
          fontWeight: view === current ? "semibold" : "normal",
          borderBottomWidth: 3,
          borderColor: view === current ? "border.info" : "transparent",
        },
        title,
      ),
    ),
  );
}
