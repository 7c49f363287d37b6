// Where people type: slash commands with their hints, mentions, emoji, files.

import { h, icon, iconButton, replace } from "./dom.js";
import { emojiLike, emojiText } from "./emoji.js";
import { contentOf, grow } from "./fields.js";
import { editLast } from "./messages.js";
import { avatar, everybody } from "./people.js";
import { menu, notice, suggestions } from "./popup.js";
import { act, reader, state, ui } from "./store.js";
import { mrkdwn } from "./text.js";

const drafts = new Map();

/** `thread` is the parent's ts, empty in a channel; `sent` is called when something goes off. */
export function composer(room, thread, title, sent) {
  const place = `${ui.me}/${room.id}/${thread}`;
  const label = thread ? "Reply in thread" : `Message ${title}`;
  const area = h("textarea", { class: "composer-input", rows: 1, placeholder: thread ? "Reply…" : label, "aria-label": label, value: drafts.get(place) ?? "",
    "aria-autocomplete": "list", data: { focus: thread ? "reply" : "compose" } });
  const hint = h("div", { class: "composer-hint", "aria-live": "polite" });
  const list = suggestions(area, "Suggestions", { width: 340, above: true });
  const also = thread ? h("label", { class: "also" }, h("input", { type: "checkbox" }), ` Also send to ${title}`) : null;
  const chooser = h("input", { type: "file", hidden: true, "aria-label": "Choose a file", tabindex: -1, onchange: () => upload(chooser, room, thread) });
  const send = iconButton("send", "Send", () => submit(), { class: "icon-button send" });

  const submit = async () => {
    const text = area.value.trim();
    if (!text) return;
    if (thread && text.startsWith("/")) return notice(`${text.split(" ")[0]} is not supported in threads. Sorry!`, "bad");
    set("");
    const known = state.commands.some((one) => one.command === text.split(/\s/)[0]);
    if (text.startsWith("/") && !known) {
      notice(`${text.split(/\s/)[0]} is not a valid command.`, "bad");
      return set(text);
    }
    const deed = known ? { do: "command", room: room.id, text } : { do: "say", room: room.id, text, thread, broadcast: also?.firstChild.checked };
    sent();
    const { error } = await act(deed);
    if (error && !area.value) set(text);
    return undefined;
  };
  const set = (text) => {
    area.value = text;
    changed();
  };
  const changed = () => {
    drafts.set(place, area.value);
    grow(area);
    send.disabled = !area.value.trim();
    replace(hint, told(area.value, thread));
    offer(area, list, thread, set);
  };
  area.addEventListener("input", changed);
  area.addEventListener("blur", () => list.close());
  area.addEventListener("keydown", (event) => {
    if (event.isComposing || list.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "ArrowUp" && !area.value) {
      event.preventDefault();
      editLast((thread ? state.thread?.messages : state.room?.messages) ?? []);
    }
  });
  requestAnimationFrame(() => grow(area));
  send.disabled = !area.value.trim();
  const shortcuts = state.shortcuts.filter((one) => one.type === "global");
  const plus = iconButton("plus", "Attach or start", () => menu(plus, [
    { label: "Upload a file", run: () => chooser.click() },
    ...shortcuts.map((one) => ({ label: one.name, about: state.app.name, run: () => act({ do: "global_shortcut", name: one.name }) })),
    ...(thread ? [] : state.commands.map((one) => ({ label: one.command, about: one.description, run: () => (set(`${one.command} `), area.focus()) }))),
  ], "Attach or start"), { "aria-haspopup": "menu", "aria-expanded": "false" });
  return h("div", { class: "composer" }, hint, h("div", { class: "composer-box" }, plus, area, send), also, chooser);
}

async function upload(chooser, room, thread) {
  for (const file of chooser.files) await act({ do: "share", room: room.id, thread, name: file.name, content: await contentOf(file) });
  chooser.value = "";
}

/** The hint of the command that is being typed. */
function told(text, thread) {
  if (thread || !text.startsWith("/")) return null;
  const known = state.commands.find((one) => text === one.command || text.startsWith(`${one.command} `));
  return known && [h("b", {}, known.command), " ", h("code", {}, known.hint), h("span", {}, ` ${known.description}`)];
}

function offer(area, list, thread, set) {
  const before = area.value.slice(0, area.selectionStart);
  const after = area.value.slice(area.selectionStart);
  const put = (from, words) => {
    list.close();
    set(before.slice(0, from) + words + after);
    area.setSelectionRange(from + words.length, from + words.length);
    area.focus();
  };
  const command = !thread && /^\/\S*$/.exec(before);
  const word = /(?:^|\s)([@#:])([^\s@#:]*)$/.exec(before);
  if (command) {
    const fits = state.commands.filter((one) => one.command.startsWith(command[0]) && one.command !== before);
    return list.offer(fits.map((one) => ({ pick: () => put(0, `${one.command} `), nodes: [avatar(state.app.user, state.app.name, { app: true, size: "small" }),
      h("span", { class: "option-text" }, h("b", {}, one.command), " ", h("code", {}, one.hint), h("span", { class: "option-about" }, one.description))] })));
  }
  if (!word || (word[1] === ":" && word[2].length < 2)) return list.close();
  const from = before.length - word[2].length - 1;
  const typed = word[2].toLowerCase();
  if (word[1] === ":") {
    return list.offer(emojiLike(typed).map((name) => ({ pick: () => put(from, `:${name}: `), nodes: [h("span", { class: "emoji" }, emojiText(name)), h("span", { class: "option-text" }, `:${name}:`)] })));
  }
  const people = word[1] === "@";
  const found = everybody().filter((one) => (one.kind === "person") === people && `${one.title} ${one.about}`.toLowerCase().includes(typed)).slice(0, 8);
  const names = new Map(state.people.map((one) => [one.id, one.name]));
  return list.offer(found.map((one) => ({ pick: () => put(from, `${word[1]}${people ? names.get(one.id) : one.title} `),
    nodes: [one.avatar(), h("span", { class: "option-text" }, h("b", {}, one.title), " ", h("span", { class: "option-side" }, one.about))] })));
}

/** What stands where one cannot write. */
export function closed(room, reason) {
  const join = !room.member && room.kind === "channel" && !room.archived;
  return h("div", { class: "composer-closed" }, join ? [h("b", {}, `#${room.name}`), h("button", { type: "button", class: "button primary",
    onclick: () => act({ do: "join", room: room.id }) }, "Join channel")] : [icon("lock", 16), sentence(reason)]);
}

const sentence = (reason) => {
  const text = reason.charAt(0).toUpperCase() + reason.slice(1);
  return h("span", {}, mrkdwn(text, reader), text.endsWith(".") ? "" : ".");
};
