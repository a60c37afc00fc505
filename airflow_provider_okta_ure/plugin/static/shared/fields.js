// SPDX-License-Identifier: Apache-2.0
// Fields of a form, each with its label.
import { Chakra, h, useEffect, useState } from "./h.js";
import { fromField, toField } from "./times.js";

const { Button, Field, Input, Menu, NativeSelect, Portal } = Chakra;
const WIDTH = { base: "100%", sm: "auto" };

function Labelled({ label, children, ...more }) {
  return h(Field.Root, { width: WIDTH, gap: 1, ...more }, h(Field.Label, { fontSize: "xs" }, label), children);
}

// One of several; options is {value: title} or, to keep an order of numbers, [[value, title]].
export function Choice({ label, value, options, onChange, ...more }) {
  const pairs = Array.isArray(options) ? options : Object.entries(options);
  return h(
    Labelled,
    { label, ...more },
    h(
      NativeSelect.Root,
      { size: "sm", minW: "36" },
      h(
        NativeSelect.Field,
        { value, onChange: (event) => onChange(event.target.value) },
        pairs.map(([one, title]) => h("option", { key: one, value: one }, title)),
      ),
      h(NativeSelect.Indicator),
    ),
  );
}

// A moment in the zone that is shown; handed on in UTC when the field is left.
export function MomentField({ label, value, zone, onChange }) {
  const shown = toField(value, zone);
  const [text, setText] = useState(shown);
  useEffect(() => setText(shown), [shown]);
  const leave = () => text !== shown && onChange(fromField(text, zone) || null);
  return h(
    Labelled,
    { label },
    h(Input, {
      type: "datetime-local", size: "sm", value: text,
      onChange: (event) => setText(event.target.value),
      onBlur: leave,
      onKeyDown: (event) => event.key === "Enter" && leave(),
    }),
  );
}

// Text that is handed on when it is entered or left, not with every letter.
export function TextField({ label, value = "", onChange, placeholder, ...more }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const leave = () => text.trim() !== value && onChange(text.trim() || null);
  return h(
    Labelled,
    { label, ...more },
    h(Input, {
      size: "sm", value: text, placeholder,
      onChange: (event) => setText(event.target.value),
      onBlur: leave,
      onKeyDown: (event) => event.key === "Enter" && leave(),
    }),
  );
}

// Any number of several, in a menu of checkboxes.
export function Several({ label, values = [], options, onChange }) {
  const chosen = options.filter(([one]) => values.includes(one)).map(([, title]) => title);
  const toggle = (one, isOn) => onChange(isOn ? [...values, one] : values.filter((other) => other !== one));
  return h(
    Menu.Root,
    { closeOnSelect: false, positioning: { placement: "bottom-start" } },
    h(
      Menu.Trigger,
      { asChild: true },
      h(
        Button,
        { size: "sm", variant: chosen.length ? "surface" : "outline", width: WIDTH, maxW: "xs", justifyContent: "start" },
        h(Chakra.Span, { truncate: true }, chosen.length ? `${label}: ${chosen.join(", ")}` : label),
        h(Chakra.Span, { "aria-hidden": true, color: "fg.muted", fontSize: "2xs" }, "▼"),
      ),
    ),
    h(
      Portal,
      null,
      h(
        Menu.Positioner,
        null,
        h(
          Menu.Content,
          { maxH: "80", overflowY: "auto" },
          options.length === 0 && h(Chakra.Text, { px: 2, py: 1, color: "fg.muted" }, "Nothing to choose"),
          options.map(([one, title]) =>
            h(
              Menu.CheckboxItem,
              { key: one, value: one, checked: values.includes(one), onCheckedChange: (isOn) => toggle(one, isOn) },
              title,
              h(Menu.ItemIndicator),
            ),
          ),
        ),
      ),
    ),
  );
}
