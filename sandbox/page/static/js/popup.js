// What opens over the page: menus, lists of suggestions, questions, short notices.

import { h, newId, replace } from "./dom.js";

/** Put `panel` (a popover) beside `anchor`, below it when there is room, and within the window. */
export function place(panel, anchor, { width = 0, end = false, above = false } = {}) {
  const box = anchor.getBoundingClientRect();
  if (width) panel.style.setProperty("width", `${Math.max(box.width, width)}px`);
  const { offsetWidth: w, offsetHeight: tall } = panel;
  const below = !above && (innerHeight - box.bottom > tall + 8 || innerHeight - box.bottom > box.top);
  const left = end ? box.right - w : box.left;
  panel.style.setProperty("left", `${Math.max(8, Math.min(left, innerWidth - w - 8))}px`);
  panel.style.setProperty("top", `${Math.max(8, below ? box.bottom + 4 : box.top - tall - 4)}px`);
}

function show(panel, parent) {
  parent.append(panel);
  panel.showPopover?.();
}

let closeOpen = null;

/** A menu under `anchor`: items are {label, about?, run, danger?, group?}; arrows, Home, End, Esc and letters work. */
export function menu(anchor, items, label, { end = false } = {}) {
  closeOpen?.();
  const panel = h("div", { class: "menu", role: "menu", popover: "manual", "aria-label": label });
  const rows = [];
  for (const item of items) {
    if (item.divider) panel.append(h("hr", { role: "separator" }));
    else {
      const row = h("button", { type: "button", role: item.checked === undefined ? "menuitem" : "menuitemradio",
        "aria-checked": item.checked === undefined ? undefined : String(item.checked), tabindex: -1,
        class: `menu-item${item.danger ? " danger" : ""}`, onclick: () => (close(), item.run()) },
      item.before, h("span", { class: "menu-words" }, h("span", {}, item.label),
        item.about && h("span", { class: "menu-about" }, item.about)));
      rows.push(row);
      panel.append(row);
    }
  }
  const close = (focus = true) => {
    closeOpen = null;
    document.removeEventListener("pointerdown", outside, true);
    panel.remove();
    anchor.setAttribute("aria-expanded", "false");
    if (focus) anchor.focus({ preventScroll: true });
  };
  const outside = (event) => !panel.contains(event.target) && !anchor.contains(event.target) && close(false);
  panel.addEventListener("keydown", (event) => {
    const at = rows.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to !== undefined) rows[(to + rows.length) % rows.length].focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else if (event.key.length === 1 && event.key !== " ") {
      const typed = event.key.toLowerCase();
      rows.find((row, n) => n > at && row.textContent.toLowerCase().startsWith(typed))?.focus();
      return;
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  show(panel, anchor.closest("[role=dialog]") ?? document.body);
  place(panel, anchor, { end });
  anchor.setAttribute("aria-expanded", "true");
  document.addEventListener("pointerdown", outside, true);
  closeOpen = () => close(false);
  rows[0]?.focus({ preventScroll: true });
  return panel;
}

/** A panel of anything under `anchor`; returns how to close it. */
export function panel(anchor, content, label, { end = false } = {}) {
  closeOpen?.();
  const box = h("div", { class: "menu panel", role: "dialog", popover: "manual", "aria-label": label }, content);
  const close = (focus = true) => {
    closeOpen = null;
    document.removeEventListener("pointerdown", outside, true);
    box.remove();
    if (focus && anchor.isConnected) anchor.focus({ preventScroll: true });
  };
  const outside = (event) => !box.contains(event.target) && close(false);
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  });
  show(box, document.body);
  place(box, anchor, { end });
  document.addEventListener("pointerdown", outside, true);
  closeOpen = () => close(false);
  box.querySelector("input, button")?.focus({ preventScroll: true });
  return close;
}

export const closeMenus = () => closeOpen?.();

/** Ask before something happens; resolves to whether it may. Fields are those of Slack's confirm object. */
export function ask({ title, text, confirm, deny, style }) {
  return new Promise((resolve) => {
    const from = document.activeElement;
    const heading = newId("ask");
    const done = (answer) => {
      veil.remove();
      from?.focus?.({ preventScroll: true });
      resolve(answer);
    };
    const yes = h("button", { type: "button", class: `button ${style === "danger" ? "danger" : "primary"}`,
      onclick: () => done(true) }, confirm);
    const no = h("button", { type: "button", class: "button", onclick: () => done(false) }, deny);
    const box = h("div", { class: "ask", role: "alertdialog", "aria-modal": "true", "aria-labelledby": heading },
      h("h2", { id: heading }, title), h("div", { class: "ask-text" }, text), h("div", { class: "ask-buttons" }, no, yes));
    const veil = h("div", { class: "veil top" }, box);
    box.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") done(false);
      else if (event.key === "Tab") {
        event.preventDefault();
        (document.activeElement === yes ? no : yes).focus();
      }
    });
    document.body.append(veil);
    yes.focus();
  });
}

const notices = h("div", { class: "notices", role: "status", "aria-live": "polite" });

export function notice(text, kind = "") {
  if (!notices.isConnected) document.body.append(notices);
  const one = h("div", { class: `notice ${kind}` }, text);
  notices.append(one);
  setTimeout(() => one.remove(), 6000);
}

/**
 * A list of suggestions under a text field (the field keeps the focus). `offer(items)` shows it, where items are
 * {nodes, pick, group?}; `key(event)` handles arrows, Enter, Tab and Esc, and says whether it did.
 */
export function suggestions(field, label, { width = 0, above = false } = {}) {
  const id = newId("list");
  const list = h("div", { class: "menu options", role: "listbox", id, "aria-label": label, popover: "manual" });
  let rows = [];
  let at = -1;
  let shown = false;
  const expanded = (is) => {
    if (is) field.setAttribute("aria-controls", id);
    else field.removeAttribute("aria-controls");
    if (field.role === "combobox") field.setAttribute("aria-expanded", String(is));
  };
  const close = () => {
    if (shown) list.remove();
    shown = false;
    at = -1;
    expanded(false);
    field.removeAttribute("aria-activedescendant");
  };
  const mark = (next) => {
    if (!rows.length) return;
    at = (next + rows.length) % rows.length;
    rows.forEach(({ node }, n) => node.setAttribute("aria-selected", String(n === at)));
    rows[at].node.scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", rows[at].node.id);
  };
  const offer = (items, { start = 0, empty = "" } = {}) => {
    replace(list);
    rows = [];
    let group;
    for (const item of items) {
      if (item.group !== group) list.append(h("div", { class: "group", role: "presentation" }, (group = item.group)));
      const node = h("div", { class: `option${item.chosen ? " chosen" : ""}`, role: "option", id: newId("option"),
        "aria-selected": "false", onpointerdown: (event) => (event.preventDefault(), item.pick()) }, item.nodes);
      rows.push({ node, pick: item.pick });
      list.append(node);
    }
    if (!items.length && !empty) return close();
    if (!items.length) list.append(h("div", { class: "option none", role: "option", "aria-disabled": "true", "aria-selected": "false" }, empty));
    if (!shown) show(list, field.closest("[role=dialog], .composer, .message, .home") ?? document.body);
    shown = true;
    expanded(true);
    place(list, field.closest(".select-box, .composer-box") ?? field, { width, above });
    mark(start);
    return undefined;
  };
  const key = (event) => {
    if (!shown) return false;
    if (event.key === "ArrowDown") mark(at + 1);
    else if (event.key === "ArrowUp") mark(at - 1);
    else if ((event.key === "Enter" || event.key === "Tab") && rows[at]) rows[at].pick();
    else if (event.key === "Escape") close();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  return { offer, close, key, get shown() { return shown; }, node: list };
}
