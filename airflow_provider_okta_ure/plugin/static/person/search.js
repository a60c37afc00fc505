// SPDX-License-Identifier: Apache-2.0
// Finding a person by typing: a combobox with a list, for hand, keyboard and screen reader.
import { ask } from "../shared/api.js";
import { LevelBadge } from "../shared/badges.js";
import { Chakra, h, useEffect, useId, useState } from "../shared/h.js";
import { nameOf } from "../shared/words.js";

const { Box, Field, Flex, Input, Span, Text } = Chakra;
const WAIT = 200;

export function Search({ chosen, onChoose }) {
  const [text, setText] = useState(chosen);
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const found = useFound(text, isOpen);
  const id = useId();
  const { people } = found;
  const choose = (person) => {
    setOpen(false);
    setText(nameOf(person));
    onChoose(person);
  };
  const onKeyDown = (event) => {
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves) {
      event.preventDefault();
      setOpen(true);
      if (people.length) setActive((active + moves[event.key] + people.length) % people.length);
    } else if (event.key === "Enter" && isOpen && people[active]) {
      event.preventDefault();
      choose(people[active]);
    } else if (event.key === "Escape") {
      setOpen(false);
    }
  };
  return h(
    Box,
    { position: "relative", width: { base: "100%", sm: "sm" } },
    h(
      Field.Root,
      { gap: 1 },
      h(Field.Label, { fontSize: "xs" }, "Person"),
      h(Input, {
        size: "sm", value: text, placeholder: "A part of the name, login or Okta id", autoComplete: "off",
        role: "combobox", "aria-autocomplete": "list", "aria-expanded": isOpen, "aria-controls": `${id}-list`,
        "aria-activedescendant": isOpen && people[active] ? `${id}-${active}` : undefined,
        onChange: (event) => {
          setText(event.target.value);
          setActive(0);
          setOpen(true);
        },
        onKeyDown,
        onFocus: () => setOpen(text !== chosen || !chosen),
        onBlur: () => setOpen(false),
      }),
    ),
    isOpen && h(Found, { id, found, active, choose }),
  );
}

// Returns the people that match, a moment after the last letter.
function useFound(text, isOpen) {
  const [found, setFound] = useState({ people: [], of: null });
  useEffect(() => {
    if (!isOpen) return undefined;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      ask("people", { q: text.trim(), limit: 10 }, controller.signal).then(
        ({ people }) => setFound({ people, of: text }),
        (error) => error.name === "AbortError" || setFound({ people: [], of: text, error }),
      );
    }, WAIT);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [text, isOpen]);
  return { ...found, isLoading: found.of !== text };
}

function Found({ id, found, active, choose }) {
  const { people, error, isLoading } = found;
  return h(
    Box,
    {
      position: "absolute", top: "100%", insetInlineStart: 0, insetInlineEnd: 0, mt: 1, zIndex: "dropdown", maxH: "80",
      overflowY: "auto", bg: "bg.panel", borderWidth: 1, borderRadius: "md", boxShadow: "md",
      id: `${id}-list`, role: "listbox", "aria-label": "People",
    },
    error && h(Text, { p: 2, fontSize: "sm" }, error.message),
    !error && people.length === 0 &&
      h(Text, { p: 2, fontSize: "sm", color: "fg.muted", role: "status" }, isLoading ? "Searching …" : "Nobody is called that in the action log."),
    people.map((person, at) =>
      h(
        Flex,
        {
          key: person.user_key, id: `${id}-${at}`, role: "option", "aria-selected": at === active,
          px: 3, py: 2, gap: 2, justify: "space-between", cursor: "pointer", bg: at === active ? "bg.muted" : undefined,
          // Before the field loses the focus, which would close the list.
          onMouseDown: (event) => {
            event.preventDefault();
            choose(person);
          },
        },
        h(Span, { wordBreak: "break-word" }, nameOf(person)),
        h(LevelBadge, { level: person.risk_level }),
      )),
  );
}
