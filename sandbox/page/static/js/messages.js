// The conversation: messages with what can be done to them, and threads.

import { attachment, blocks } from "./blocks.js";
import { h, icon, iconButton, keyed, replace } from "./dom.js";
import { emojiLike, emojiText, QUICK } from "./emoji.js";
import { grow } from "./fields.js";
import { avatar, everybody } from "./people.js";
import { ask, menu, panel } from "./popup.js";
import { act, clock, go, person, reader, state, ui } from "./store.js";
import { ago, dateText, dayName, mrkdwn, richText, sameDay, source, timeOf } from "./text.js";

const dismissed = new Set();
const TOGETHER = 300; // seconds within which messages of one person stand under one name

/** Draw `list` into `frame`; `where` is "room" or "thread". */
export function messages(frame, list, where) {
  const shown = list.filter((one) => !dismissed.has(one.ts));
  const names = JSON.stringify([...reader.names.values()].map((one) => one.name));
  const today = dayName(clock.now(), { ...reader, now: clock.now() - 86_400 * 400 });
  const rows = [];
  let before = null;
  for (const one of shown) {
    const fresh = !before || !sameDay(Number(before.ts), Number(one.ts), reader.tz);
    if (fresh && where === "room") rows.push({ day: one.ts });
    const together = !fresh && before.user === one.user && before.username === one.username && !before.system && !isNotice(one)
      && !isNotice(before) && Boolean(before.ephemeral) === Boolean(one.ephemeral) && Number(one.ts) - Number(before.ts) < TOGETHER && !one.pinned_by;
    rows.push({ message: one, together });
    before = one;
  }
  const sign = ({ message, together, day }) => (day ? day + today + reader.tz : JSON.stringify(message)
    + names.length + together + state.me + today + (ui.editing === message.ts) + where + (ui.thread === message.ts));
  keyed(frame, rows, (row) => (row.day ? `day-${row.day}` : row.message.ts), (row) => sign(row) + names, (row) =>
    (row.day ? divider(row.day) : message(row.message, row.together, where)));
}

const isNotice = (one) => /_(join|leave|topic|purpose|name|archive|unarchive|convert_to_private)$/.test(one.subtype ?? "") || one.subtype === "tombstone";

function divider(ts) {
  return h("div", { class: "day", role: "separator", "aria-label": dayName(Number(ts), reader) }, h("span", {}, dayName(Number(ts), reader)));
}

export function author(one) {
  return one.username || person(one.user)?.real_name || one.user || "unknown";
}

function message(one, together, where) {
  const time = timeOf(Number(one.ts), reader.tz);
  const name = author(one);
  const noticed = isNotice(one);
  const node = h("div", {
    class: `message${together ? " together" : ""}${one.ephemeral ? " ephemeral" : ""}${one.pinned_by ? " pinned" : ""}${noticed ? " system" : ""}`,
    role: "article", tabindex: -1, data: { ts: one.ts }, "aria-label": `${name}, ${time}${one.ephemeral ? ", only visible to you" : ""}`,
  });
  const stamp = h("time", { class: "stamp", title: dateText(Number(one.ts), "{date_long_full} at {time_secs}", reader) },
    together ? time.replace(/ [AP]M$/, "") : time);
  replace(node,
    one.pinned_by && h("div", { class: "over" }, icon("pin", 12), `Pinned by ${one.pinned_by === state.me ? "you" : person(one.pinned_by)?.real_name ?? "the app"}`),
    h("div", { class: "side" }, together ? stamp : avatar(one.user, name, { app: one.app })),
    h("div", { class: "inside" },
      one.ephemeral && h("div", { class: "whisper" }, icon("eye", 13), "Only visible to you"),
      !together && h("div", { class: "by" }, h("b", {}, name), (one.app || person(one.user)?.app) && h("span", { class: "badge" }, "APP"), stamp),
      ui.editing === one.ts ? editor(one) : content(one),
      below(one, where)));
  let tools = null;
  const show = () => {
    if (tools || noticed || ui.editing === one.ts) return;
    tools = toolbar(one, where);
    node.append(tools);
  };
  node.addEventListener("pointerenter", show);
  node.addEventListener("focusin", show);
  node.addEventListener("pointerdown", show);
  node.addEventListener("pointerleave", () => {
    if (tools && !node.contains(document.activeElement) && !tools.querySelector("[aria-expanded=true]")) {
      tools.remove();
      tools = null;
    }
  });
  node.addEventListener("keydown", (event) => arrows(event, node));
  return node;
}

/** Up and down from message to message, Home and End to the first and last, Enter or Right to its tools. */
function arrows(event, node) {
  if (event.target !== node) {
    if (event.key === "Escape" && !event.defaultPrevented) node.focus({ preventScroll: true });
    return;
  }
  const all = [...node.parentElement.querySelectorAll(":scope > .message")];
  const at = all.indexOf(node);
  const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: all.length - 1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    all[Math.max(0, Math.min(to, all.length - 1))].focus();
  } else if (event.key === "Enter" || event.key === "ArrowRight") {
    node.querySelector(".toolbar button")?.focus();
  }
}

function content(one) {
  const ctx = { reader, everybody, act: use(one), suggest: async () => ({}), upload: async () => ({}), values: {}, changed: (block, element, value, how) =>
    how.dispatch && block.dispatch_action && use(one)(block.block_id, element.action_id, value) };
  const parts = [];
  if (one.subtype === "tombstone") parts.push(h("span", { class: "gone" }, "This message was deleted."));
  else if (one.blocks?.length) parts.push(one.typed ? one.blocks.map((block) => h("div", { class: "block b-typed" }, richText(block, reader))) : blocks(one.blocks, ctx));
  else if (one.text) parts.push(h("div", { class: `words${one.subtype === "me_message" ? " me-words" : ""}` }, mrkdwn(one.text, reader)));
  if (one.edited) parts.push(h("span", { class: "edited" }, "(edited)"));
  parts.push((one.attachments ?? []).map((part) => attachment(part, ctx)));
  parts.push((one.files ?? []).map(fileCard));
  return h("div", { class: "content" }, parts);
}

const use = (one) => (block, action, value) => act({ do: "act", room: one.room, ts: one.ts, block, action, value });

export function sizeOf(bytes) {
  return bytes < 1024 ? `${bytes} B` : bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} kB` : `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}

function fileCard(file) {
  return h("button", { type: "button", class: "file-card", onclick: () => document.dispatchEvent(new CustomEvent("open-file", { detail: file.id })) },
    h("span", { class: `file-kind kind-${file.filetype}` }, icon("file", 22)),
    h("span", { class: "file-words" }, h("b", {}, file.title || file.name), h("span", {}, `${file.pretty_type} · ${sizeOf(file.size)}`)));
}

function below(one, where) {
  const chips = Object.entries(one.reactions ?? {}).map(([name, people]) => {
    const mine = people.includes(state.me);
    const who = people.map((id) => (id === state.me ? "you" : person(id)?.real_name ?? id)).join(", ");
    return h("button", { type: "button", class: `reaction${mine ? " mine" : ""}`, "aria-pressed": String(mine), title: `${who} reacted with :${name}:`,
      "aria-label": `${name}, ${people.length}: ${who}`, data: { focus: `reaction-${name}` },
      onclick: () => act({ do: mine ? "unreact" : "react", room: one.room, ts: one.ts, emoji: name }) },
    h("span", { class: "emoji" }, emojiText(name)), String(people.length));
  });
  const add = chips.length > 0 && iconButton("smile", "Add a reaction", () => picker(add, one), { class: "reaction add" });
  const { replies } = one;
  const thread = replies && where === "room" && h("button", { type: "button", class: "replies", data: { focus: "replies" }, onclick: () => go({ thread: one.ts, pane: "" }) },
    replies.people.slice(0, 5).map((id) => avatar(id, "", { size: "tiny" })), h("b", {}, `${replies.count} ${replies.count === 1 ? "reply" : "replies"}`),
    h("span", {}, `Last reply ${clock.now() - Number(replies.latest) < 60 ? "just now" : ago(Number(replies.latest), clock.now())}`));
  const hide = one.ephemeral && h("button", { type: "button", class: "linklike", onclick: (event) => {
    dismissed.add(one.ts);
    event.target.closest(".message").remove();
  } }, "Dismiss message");
  return [chips.length > 0 && h("div", { class: "reactions" }, chips, add), thread, hide];
}

function toolbar(one, where) {
  const quick = QUICK.slice(0, 3).map((name) => h("button", { type: "button", class: "icon-button", title: `:${name}:`, "aria-label": `React with ${name}`, data: { focus: `react-${name}` },
    onclick: () => act({ do: "react", room: one.room, ts: one.ts, emoji: name }) }, h("span", { class: "emoji" }, emojiText(name))));
  const smile = iconButton("smile", "Find a reaction", () => picker(smile, one), { data: { focus: "smile" } });
  const more = iconButton("more", "More actions", () => menu(more, actions(one), "More actions", { end: true }),
    { "aria-haspopup": "menu", "aria-expanded": "false", data: { focus: "more" } });
  const reply = where === "room" && !one.ephemeral && iconButton("thread", "Reply in thread", () => go({ thread: one.ts, pane: "" }));
  return h("div", { class: "toolbar", role: "toolbar", "aria-label": "Message actions" }, one.ephemeral ? [] : [quick, smile, reply], more);
}

function actions(one) {
  const on = { room: one.room, ts: one.ts };
  if (one.ephemeral) return [{ label: "Dismiss message", run: () => (dismissed.add(one.ts), document.querySelector(`.message[data-ts="${one.ts}"]`)?.remove()) }];
  const own = one.user === state.me && !one.subtype;
  const shortcuts = state.shortcuts.filter((known) => known.type === "message");
  return [
    one.pinned_by ? { label: "Unpin from channel", run: () => act({ do: "unpin", ...on }) } : { label: "Pin to channel", run: () => act({ do: "pin", ...on }) },
    own && { label: "Edit message", run: () => (go({ editing: one.ts })) },
    one.user === state.me && { label: "Delete message", danger: true, run: () => remove(on) },
    shortcuts.length > 0 && { divider: true },
    ...shortcuts.map((known) => ({ label: known.name, about: state.app.name, run: () => act({ do: "shortcut", name: known.name, ...on }) })),
  ].filter(Boolean);
}

async function remove(on) {
  const sure = await ask({ title: "Delete message", text: "Are you sure? This cannot be undone.", confirm: "Delete", deny: "Cancel", style: "danger" });
  if (sure) await act({ do: "delete", ...on });
}

function picker(anchor, one) {
  const grid = h("div", { class: "emoji-grid" });
  const search = h("input", { class: "input", type: "search", placeholder: "Search all emoji", "aria-label": "Search emoji" });
  const choose = (name) => (close(), act({ do: "react", room: one.room, ts: one.ts, emoji: name }));
  const fill = () => {
    const found = search.value ? emojiLike(search.value, 40) : [...new Set([...QUICK, ...emojiLike("", 200)])].slice(0, 160);
    replace(grid, found.map((name) => h("button", { type: "button", class: "icon-button", title: `:${name}:`, "aria-label": name, onclick: () => choose(name) },
      h("span", { class: "emoji" }, emojiText(name)))));
  };
  search.addEventListener("input", fill);
  search.addEventListener("keydown", (event) => event.key === "Enter" && grid.firstElementChild?.click());
  fill();
  const close = panel(anchor, [search, grid], "Emoji", { end: true });
}

function editor(one) {
  const area = h("textarea", { class: "input", "aria-label": "Edit message", rows: 2, data: { focus: "edit" }, value: source(one.text, reader) });
  const cancel = () => go({ editing: "" });
  const save = async () => {
    ui.editing = "";
    await act({ do: "edit", room: one.room, ts: one.ts, text: area.value });
    go({});
  };
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") cancel();
    else if (event.key === "Enter" && !event.shiftKey) save();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  area.addEventListener("input", () => grow(area));
  requestAnimationFrame(() => (grow(area), area.focus()));
  return h("div", { class: "editor" }, area, h("div", { class: "editor-buttons" },
    h("button", { type: "button", class: "button small", onclick: cancel }, "Cancel"),
    h("button", { type: "button", class: "button small primary", onclick: save }, "Save")));
}

/** Edit the latest of one's own messages, as the arrow up does in an empty composer. */
export function editLast(list) {
  const own = [...list].reverse().find((one) => one.user === state.me && one.typed && !one.subtype);
  if (own) go({ editing: own.ts });
}

