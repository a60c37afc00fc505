// SPDX-License-Identifier: Apache-2.0
// One person: which groups this provider added them to and why, their scores, and every action.
import { Rows } from "../log/rows.js";
import { StateLink, useAddress } from "../shared/address.js";
import { useAnswer } from "../shared/api.js";
import { LevelBadge } from "../shared/badges.js";
import { Chakra, h } from "../shared/h.js";
import { PeriodBar, spanOf, wrongDateOf } from "../shared/period.js";
import { Answer, Nothing, WrongDate } from "../shared/states.js";
import { moment } from "../shared/times.js";
import { nameOf } from "../shared/words.js";
import { Memberships } from "./memberships.js";
import { ScoreLine } from "./score_line.js";
import { Search } from "./search.js";

const { Box, Checkbox, Flex, HStack, Heading, Stack, Text } = Chakra;

export function PersonView({ scope, zone }) {
  const { values, go } = useAddress();
  const { user_name, user_id, user_key } = values;
  const isChosen = Boolean(user_name || user_id || user_key);
  const withUnchanged = values.unchanged === "true";
  const wrong = wrongDateOf(values);
  const answer = useAnswer(isChosen && !wrong ? "person" : null, {
    user_name, user_id, user_key, dag_id: scope.dag_id ?? values.dag_id, ...spanOf(values, {}),
    unchanged: withUnchanged ? "true" : "",
  });
  const choose = (person) => go({
    ...values, user_name: person.user_name, user_id: person.user_id,
    user_key: person.user_name || person.user_id ? null : person.user_key,
  });
  const setUnchanged = (isOn) => go({ ...values, unchanged: isOn ? "true" : null }, { replace: true });
  return h(
    Stack,
    { gap: 4 },
    h(
      Flex,
      { gap: 3, wrap: "wrap", align: "end" },
      h(Search, { key: user_name ?? user_id, chosen: user_name || user_id || "", onChoose: choose }),
      isChosen && h(PeriodBar, { values, scope: {}, zone, reload: answer.reload }),
    ),
    isChosen && wrong && h(WrongDate, { name: wrong, value: values[wrong], forget: () => go({ ...values, [wrong]: null }) }),
    isChosen
      ? !wrong && h(Answer, { answer, lines: 8, what: "Loading this person" }, (data) =>
          h(Found, { data, zone, withUnchanged, setUnchanged }))
      : h(Nothing, { title: "Why is a user in a group?" },
          "Type part of a name, a login or an Okta user id above to see their scores, and every action with its reason."),
  );
}

// Who leaves a group need not get a new level; then the last one is shown with its age.
function Level({ data, zone }) {
  const { risk_level, last_as_of } = data.person;
  const known = data.scores.findLast((one) => one.risk_level);
  const isOld = known && known.as_of !== last_as_of;
  return h(
    HStack,
    null,
    h(LevelBadge, { level: risk_level }),
    risk_level && isOld && h(Text, { fontSize: "sm", color: "fg.muted" }, `as of ${moment(known.as_of, zone)}`),
  );
}

function Found({ data, zone, withUnchanged, setUnchanged }) {
  const { person } = data;
  return h(
    Stack,
    { gap: 4, "data-testid": "person" },
    h(
      Box,
      null,
      h(
        Flex,
        { gap: 3, align: "center", wrap: "wrap" },
        h(Heading, { as: "h2", size: "lg", wordBreak: "break-word" }, nameOf(person)),
        h(Level, { data, zone }),
      ),
      h(Text, { fontSize: "sm", color: "fg.muted", wordBreak: "break-word" },
        [person.login && person.login !== person.user_name && `login ${person.login}`, person.user_id && `Okta id ${person.user_id}`,
          `last evaluated as of ${moment(person.last_as_of, zone)}`].filter(Boolean).join(" · ")),
    ),
    h(Memberships, { data, zone }),
    h(ScoreLine, { data, zone, person }),
    h(
      Flex,
      { justify: "space-between", wrap: "wrap", gap: 2, align: "center" },
      h(Heading, { as: "h3", size: "md" }, "Actions"),
      h(
        Checkbox.Root,
        { size: "sm", checked: withUnchanged, onCheckedChange: ({ checked }) => setUnchanged(checked === true) },
        h(Checkbox.HiddenInput), h(Checkbox.Control), h(Checkbox.Label, null, "Show days without changes"),
      ),
    ),
    data.events.length === 0
      ? h(Nothing, { title: "No actions in this period" }, "Choose a longer period, or show days without changes.")
      : h(Rows, { rows: data.events, zone, isOnePerson: true }),
    data.more_events &&
      h(Text, { fontSize: "sm" }, "Only the newest actions are shown: ",
        h(StateLink, { to: { view: "log", user: person.user_name || person.user_id } }, "show all in the action log")),
  );
}
