// SPDX-License-Identifier: Apache-2.0
// Finding a person by typing: a combobox with a list, for mouse, keyboard and screen reader.
import { ask } from "../shared/api.js";
import { LevelBadge } from "../shared/badges.js";
import { Chakra, h, useEffect, useId, useRef, useState } from "../shared/h.js";
import { nameOf } from "../shared/words.js";

const { Box, Field, Flex, Input, Span, Text } = Chakra;
const WAIT = 200;
const SHOWN = 20;

export function Search({ chosen, onChoose }) {
  const [text, setText] = useState(chosen);
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const isEntered = useRef(false);
  const found = useFound(text, isOpen);
  const id = useId();
  // Those of an earlier text stay in view while the next are on their way, but cannot be chosen.
  const people = found.isLoading ? [] : found.people;
  const choose = (person) => {
    isEntered.current = false;
    setOpen(false);
    setText(nameOf(person));
    onChoose(person);
  };
  useEffect(() => {
    // Enter came before the answer to what was typed.
    if (!isEntered.current || found.isLoading) return;
    isEntered.current = false;
    const wanted = wantedOf(people, text, 0);
    if (wanted) choose(wanted);
  }, [found.of, found.isLoading]);
  const onKeyDown = (event) => {
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves) {
      event.preventDefault();
      setOpen(true);
      if (people.length) setActive((active + moves[event.key] + people.length) % people.length);
    } else if (event.key === "Enter" && text.trim()) {
      event.preventDefault();
      setOpen(true);
      const wanted = wantedOf(people, text, active);
      if (wanted && isOpen) choose(wanted);
      else isEntered.current = found.isLoading || !isOpen;
    } else if (event.key === "Escape") {
      isEntered.current = false;
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
        size: "sm", value: text, placeholder: "Part of the name, login or Okta user id", autoComplete: "off",
        role: "combobox", "aria-autocomplete": "list", "aria-expanded": isOpen, "aria-controls": `${id}-list`,
        "aria-activedescendant": isOpen && people[active] ? `${id}-${active}` : undefined,
        onChange: (event) => {
          isEntered.current = false;
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

// Returns the person that Enter chooses: the marked one, or the one with exactly what was typed.
function wantedOf(people, text, active) {
  const typed = text.trim().toLowerCase();
  const person = people[active];
  if (active > 0 || !person) return person;
  const isNamed = (one) => [one.user_name, one.login, one.user_id].some((name) => name?.toLowerCase() === typed);
  return people.find(isNamed) ?? person;
}

// Returns the people who match, a moment after the last letter.
function useFound(text, isOpen) {
  const [found, setFound] = useState({ people: [], of: null });
  useEffect(() => {
    if (!isOpen) return undefined;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      ask("people", { q: text.trim(), limit: SHOWN }, controller.signal).then(
        ({ people, more }) => setFound({ people, more, of: text }),
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
  const { people, error, isLoading, more } = found;
  return h(
    Box,
    {
      position: "absolute", top: "100%", insetInlineStart: 0, insetInlineEnd: 0, mt: 1, zIndex: "dropdown", maxH: "80",
      overflowY: "auto", bg: "bg.panel", borderWidth: 1, borderRadius: "md", boxShadow: "md",
    },
    h(Box, { id: `${id}-list`, role: "listbox", "aria-label": "People", "aria-busy": isLoading, opacity: isLoading ? 0.5 : 1 },
      people.map((person, at) =>
        h(
          Flex,
          {
            key: person.user_key, id: `${id}-${at}`, role: "option", "aria-selected": !isLoading && at === active, "aria-disabled": isLoading,
            px: 3, py: 2, gap: 2, justify: "space-between", cursor: isLoading ? "progress" : "pointer",
            bg: !isLoading && at === active ? "bg.muted" : undefined,
            // Before the field loses the focus, which would close the list.
            onMouseDown: (event) => {
              event.preventDefault();
              if (!isLoading) choose(person);
            },
          },
          h(Span, { wordBreak: "break-word" }, nameOf(person)),
          h(LevelBadge, { level: person.risk_level }),
        ))),
    h(Text, { px: 3, py: 2, fontSize: "sm", color: "fg.muted", role: "status", _empty: { display: "none" } }, statusOf({ people, error, isLoading, more })),
  );
}

function statusOf({ people, error, isLoading, more }) {
  if (isLoading) return "Searching …";
  if (error) return error.message;
  if (people.length === 0) return "No matching user";
  return more ? `Only the first ${people.length} are shown. Type more of the name.` : "";
}
