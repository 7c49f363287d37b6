// Fields that a person fills in, of every kind that Slack has. Each is
//   { node, get(), set(value), focus() }
// and its value is what the server takes: texts, options as objects, ids, "2026-11-16", "10:42", Unix seconds, lists.

import { h, iconButton, newId, replace } from "./dom.js";
import { ask, suggestions } from "./popup.js";
import { emojiText } from "./emoji.js";
import { momentIn, partsIn, plain, richSource, textObject } from "./text.js";

const KEPT = {
  static_select: "selected_option", external_select: "selected_option", radio_buttons: "selected_option",
  multi_static_select: "selected_options", multi_external_select: "selected_options", checkboxes: "selected_options",
  users_select: "selected_user", conversations_select: "selected_conversation", channels_select: "selected_channel",
  multi_users_select: "selected_users", multi_conversations_select: "selected_conversations",
  multi_channels_select: "selected_channels", datepicker: "selected_date", timepicker: "selected_time",
  datetimepicker: "selected_date_time", file_input: "files", rich_text_input: "rich_text_value",
};
const INITIAL = {
  static_select: "initial_option", external_select: "initial_option", radio_buttons: "initial_option",
  multi_static_select: "initial_options", multi_external_select: "initial_options", checkboxes: "initial_options",
  users_select: "initial_user", conversations_select: "initial_conversation", channels_select: "initial_channel",
  multi_users_select: "initial_users", multi_conversations_select: "initial_conversations",
  multi_channels_select: "initial_channels", datepicker: "initial_date", timepicker: "initial_time",
  datetimepicker: "initial_date_time", rich_text_input: "initial_value", plain_text_input: "initial_value",
  email_text_input: "initial_value", url_text_input: "initial_value", number_input: "initial_value",
};

export const isField = (element) => element.type in INITIAL || element.type === "file_input";

/** What stands in the element according to `state.values`, or at first. */
export function valueOf(element, values, blockId) {
  const kept = values?.[blockId]?.[element.action_id];
  const found = kept ? kept[KEPT[element.type] ?? "value"] : element[INITIAL[element.type]];
  return found ?? null;
}

/**
 * `about`: {id, label, described, reader, ctx, required, changed(value, {now}), suggest(typed)}; `changed` is called
 * with every change, `now` saying that it is one to act on at once (a choice, Enter) rather than a letter typed.
 */
export function field(element, about) {
  const make = {
    checkboxes, radio_buttons: radios, datepicker: dates, timepicker: times, datetimepicker: moments,
    file_input: filesField, number_input: written, email_text_input: written, url_text_input: written,
    plain_text_input: written, rich_text_input: rich,
  }[element.type] ?? select;
  return make(element, about);
}

const named = ({ id, label, described, required }) => ({
  id, "aria-label": id ? undefined : label, "aria-describedby": described || undefined, "aria-required": required ? "true" : undefined,
});

// -- texts ---------------------------------------------------------------------------------------------------

function written(element, about) {
  const many = Boolean(element.multiline);
  const kinds = { email_text_input: "email", url_text_input: "url", number_input: "text" };
  const input = h(many ? "textarea" : "input", {
    ...named(about), class: "input", rows: many ? 4 : undefined, type: many ? undefined : kinds[element.type] ?? "text",
    inputmode: element.type === "number_input" ? "decimal" : undefined, placeholder: element.placeholder?.text,
    maxlength: element.max_length, autocomplete: "off", data: { focus: about.focus },
  });
  const letters = element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  input.addEventListener("input", () => {
    grow(input);
    about.changed(input.value || null, { now: false, dispatch: letters.includes("on_character_entered") });
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !many && letters.includes("on_enter_pressed")) {
      about.changed(input.value || null, { now: true, dispatch: true });
    }
  });
  const left = element.max_length && element.max_length < 3000 && h("span", { class: "left", "aria-hidden": "true" });
  const count = () => left && replace(left, element.max_length - input.value.length < 50 ? String(element.max_length - input.value.length) : "");
  input.addEventListener("input", count);
  return {
    node: left ? h("div", { class: "with-left" }, input, left) : input,
    get: () => input.value || null,
    set: (value) => {
      if (input.value !== (value ?? "")) input.value = value ?? "";
      requestAnimationFrame(() => grow(input));
    },
    focus: () => input.focus({ preventScroll: true }),
  };
}

export function grow(area) {
  if (area.tagName !== "TEXTAREA" || !area.isConnected) return;
  area.style.setProperty("height", "auto");
  area.style.setProperty("height", `${Math.min(area.scrollHeight + 2, 360)}px`);
  area.style.setProperty("overflow-y", area.scrollHeight > area.clientHeight + 2 ? "auto" : "hidden");
}

function rich(element, about) {
  const inner = written({ ...element, multiline: true }, about);
  return { ...inner, set: (value) => inner.set(value && typeof value === "object" ? richSource(value, about.reader) : value) };
}

// -- boxes and buttons ---------------------------------------------------------------------------------------

function boxes(kind, element, about, changed) {
  const name = newId("group");
  const inputs = [];
  const rows = element.options.map((option, n) => {
    const input = h("input", { type: kind, name, id: newId("box"), data: { focus: `${about.focus}/${n}` }, onchange: changed });
    inputs.push({ input, option });
    return h("label", { class: "choice", for: input.id }, input,
      h("span", {}, h("span", {}, textObject(option.text, about.reader)),
        option.description && h("span", { class: "choice-about" }, textObject(option.description, about.reader))));
  });
  const role = kind === "radio" ? "radiogroup" : "group";
  const node = h("div", { class: "choices", role, "aria-label": about.label, "aria-describedby": about.described || undefined }, rows);
  return { node, inputs, focus: () => inputs[0]?.input.focus({ preventScroll: true }) };
}

function checkboxes(element, about) {
  const get = () => made.inputs.filter(({ input }) => input.checked).map(({ option }) => option);
  const made = boxes("checkbox", element, about, () => about.changed(get(), { now: true, dispatch: true }));
  const has = (value, option) => (value ?? []).some((one) => one.value === option.value);
  return { ...made, get, set: (value) => made.inputs.forEach(({ input, option }) => (input.checked = has(value, option))) };
}

function radios(element, about) {
  const get = () => made.inputs.find(({ input }) => input.checked)?.option ?? null;
  const made = boxes("radio", element, about, () => about.changed(get(), { now: true, dispatch: true }));
  return { ...made, get, set: (value) => made.inputs.forEach(({ input, option }) => (input.checked = option.value === value?.value)) };
}

// -- dates and times -----------------------------------------------------------------------------------------

function native(kind, about, label) {
  const input = h("input", { ...named(about), type: kind, class: `input for-${kind}`, data: { focus: `${about.focus}${kind}` } });
  if (label) input.setAttribute("aria-label", label);
  return input;
}

function dates(element, about) {
  const input = native("date", about);
  input.addEventListener("change", () => about.changed(input.value || null, { now: true, dispatch: true }));
  return simple(input);
}

function times(element, about) {
  const input = native("time", about);
  input.addEventListener("change", () => about.changed(input.value || null, { now: true, dispatch: true }));
  return simple(input);
}

const simple = (input) => ({
  node: input, get: () => input.value || null, set: (value) => (input.value = value ?? ""),
  focus: () => input.focus({ preventScroll: true }),
});

/** A moment in the reader's own zone, kept as Unix seconds. */
function moments(element, about) {
  const { tz } = about.reader;
  const day = native("date", about);
  const time = native("time", { ...about, id: undefined }, `${about.label}: time`);
  const get = () => {
    if (!day.value || !time.value) return null;
    const [year, month, date] = day.value.split("-").map(Number);
    const [hour, minute] = time.value.split(":").map(Number);
    return momentIn(tz, year, month, date, hour, minute);
  };
  const two = (number) => String(number).padStart(2, "0");
  const set = (value) => {
    const p = value ? partsIn(value, tz) : null;
    day.value = p ? `${p.year}-${two(p.month)}-${two(p.day)}` : "";
    time.value = p ? `${two(p.hour)}:${two(p.minute)}` : "";
  };
  const changed = () => about.changed(get(), { now: true, dispatch: true });
  day.addEventListener("change", changed);
  time.addEventListener("change", changed);
  const zone = h("span", { class: "zone" }, tz.replaceAll("_", " "));
  return { node: h("div", { class: "moment" }, day, time, zone), get, set, focus: () => day.focus({ preventScroll: true }) };
}

// -- files ---------------------------------------------------------------------------------------------------

export async function contentOf(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 32_768) text += String.fromCharCode(...bytes.subarray(at, at + 32_768));
  return btoa(text);
}

function filesField(element, about) {
  let kept = [];
  const names = h("ul", { class: "file-names" });
  const draw = () => replace(names, kept.map((file) => h("li", {}, file.name,
    iconButton("close", `Take ${file.name} away`, () => put(kept.filter((one) => one !== file))))));
  const put = (value) => {
    kept = value;
    draw();
    about.changed(kept, { now: true, dispatch: false });
  };
  const accept = (element.filetypes ?? []).map((type) => `.${type}`).join(",");
  const input = h("input", { ...named(about), type: "file", multiple: (element.max_files ?? 10) > 1, accept, data: { focus: about.focus } });
  input.addEventListener("change", async () => {
    const made = await Promise.all([...input.files].map(async (file) => about.upload(file.name, await contentOf(file))));
    put([...kept, ...made]);
    input.value = "";
  });
  return { node: h("div", {}, input, names), get: () => kept, set: (value) => ((kept = value ?? []), draw()), focus: () => input.focus() };
}

// -- menus ---------------------------------------------------------------------------------------------------

/** Menus with a search in them: of options, people, channels; one choice, or several as chips. */
function select(element, about) {
  const several = element.type.startsWith("multi_");
  const of = source(element, about);
  let chosen = several ? [] : null;
  const input = h("input", {
    ...named(about), class: "select-input", role: "combobox", type: "text", autocomplete: "off", spellcheck: "false",
    "aria-autocomplete": "list", "aria-expanded": "false", "aria-label": about.label,
    placeholder: element.placeholder?.text ?? (several ? "Select options" : "Select an option"), data: { focus: about.focus },
  });
  const clear = iconButton("close", `Clear ${about.label}`, () => (put(null), input.focus()), { class: "icon-button clear", hidden: true });
  const chips = h("span", { class: "chips" });
  const box = h("div", { class: `select-box${several ? " several" : ""}` }, chips, input, clear,
    h("span", { class: "caret", "aria-hidden": "true" }));
  const list = suggestions(input, about.label, { width: 260 });
  const same = (one, other) => of.key(one) === of.key(other);
  const draw = () => {
    if (several) {
      replace(chips, chosen.map((one) => h("span", { class: "chip" }, of.nodes(one),
        iconButton("close", `Remove ${of.text(one)}`, () => (put(chosen.filter((other) => !same(one, other))), input.focus())))));
      input.placeholder = chosen.length ? "" : element.placeholder?.text ?? "Select options";
    } else {
      input.value = chosen === null ? "" : of.text(chosen);
    }
    clear.hidden = several || chosen === null || about.required === true;
  };
  const set = (value) => {
    chosen = several ? value ?? [] : value ?? null;
    draw();
  };
  const put = async (value) => {
    const before = chosen;
    set(value);
    list.close();
    if (element.confirm && !(await ask(question(element.confirm, about.reader)))) return set(before);
    return about.changed(chosen, { now: true, dispatch: true });
  };
  const pick = (one) => {
    if (!several) return put(one);
    const has = chosen.some((other) => same(one, other));
    const most = element.max_selected_items ?? Infinity;
    if (!has && chosen.length >= most) return undefined;
    input.value = "";
    return put(has ? chosen.filter((other) => !same(one, other)) : [...chosen, one]);
  };
  let asked = 0;
  const offer = async (typed) => {
    asked += 1;
    const turn = asked;
    const found = await of.find(typed);
    if (turn !== asked || document.activeElement !== input) return;
    const at = several ? 0 : Math.max(found.findIndex(({ one }) => chosen !== null && same(one, chosen)), 0);
    const is = (one) => (several ? chosen.some((other) => same(one, other)) : chosen !== null && same(one, chosen));
    list.offer(found.map(({ one, group }) => ({ group, chosen: is(one), nodes: of.rows(one), pick: () => pick(one) })),
      { start: at, empty: "No results" });
  };
  let timer;
  const later = (typed) => {
    clearTimeout(timer);
    timer = setTimeout(() => offer(typed), of.slow ? 200 : 0);
  };
  input.addEventListener("click", () => !list.shown && (input.select(), offer("")));
  input.addEventListener("input", () => later(input.value));
  input.addEventListener("keydown", (event) => {
    if (list.key(event)) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp" || event.key === "Enter") {
      event.preventDefault();
      offer(several ? input.value : "");
    } else if (event.key === "Backspace" && several && !input.value && chosen.length) put(chosen.slice(0, -1));
  });
  input.addEventListener("blur", () => (list.close(), several ? (input.value = "") : draw()));
  box.addEventListener("pointerdown", (event) => {
    if (event.target === box || event.target.className === "caret") {
      event.preventDefault();
      input.focus();
      input.click();
    }
  });
  return { node: h("div", { class: "select" }, box), get: () => chosen, set, focus: () => input.focus({ preventScroll: true }) };
}

export const question = (confirm, reader) => ({
  title: confirm.title.text, text: textObject(confirm.text, reader), confirm: confirm.confirm.text,
  deny: confirm.deny.text, style: confirm.style,
});

/** Where the choices come from: how to find, name and draw them. */
function source(element, about) {
  if (/users_select/.test(element.type)) return peopleSource(about, (one) => one.kind === "person");
  if (/channels_select/.test(element.type)) return peopleSource(about, (one) => one.kind === "channel");
  if (/conversations_select/.test(element.type)) {
    const wanted = element.filter?.include;
    const kinds = { public: "channel", private: "group", im: "person" };
    const fits = (one) => !wanted || wanted.some((kind) => kinds[kind] === one.kind);
    return peopleSource(about, fits);
  }
  const text = (option) => option.text.text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => emojiText(name));
  const base = {
    key: (option) => option.value, text, nodes: (option) => plain(option.text.text),
    rows: (option) => [h("span", { class: "option-text" }, plain(option.text.text)),
      option.description && h("span", { class: "option-about" }, plain(option.description.text))],
  };
  const flat = (from) => (from.option_groups ?? [{ options: from.options ?? [] }]).flatMap((group) =>
    group.options.map((one) => ({ one, group: group.label?.text })));
  if (/external_select/.test(element.type)) {
    const least = element.min_query_length ?? 3;
    return { ...base, slow: true, find: async (typed) => (typed.length < least ? [] : flat(await about.suggest(typed))) };
  }
  return { ...base, find: async (typed) => flat(element).filter(({ one }) => one.text.text.toLowerCase().includes(typed.toLowerCase())) };
}

function peopleSource(about, fits) {
  const known = () => about.ctx.everybody().filter(fits);
  const byId = (id) => about.ctx.everybody().find((one) => one.id === id);
  const text = (id) => byId(id)?.title ?? id;
  return {
    key: (id) => id, text, nodes: text,
    rows: (id) => {
      const one = byId(id);
      return [one.avatar(), h("span", { class: "option-text" }, one.title), one.about && h("span", { class: "option-side" }, one.about)];
    },
    find: async (typed) => known().filter((one) => `${one.title} ${one.about}`.toLowerCase().includes(typed.toLowerCase()))
      .map((one) => ({ one: one.id })),
  };
}

