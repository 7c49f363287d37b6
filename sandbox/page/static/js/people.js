// Pictures of people, and everybody who can be chosen.

import { h, icon } from "./dom.js";
import { person, roomName, state } from "./store.js";

const HUES = 8;

function hue(id) {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return sum % HUES;
}

export function avatar(id, name, { app = false, size = "" } = {}) {
  const known = person(id);
  const words = (name || known?.real_name || "?").split(/\s+/).filter(Boolean);
  const letters = app || known?.app ? words[0]?.[0] ?? "?" : words.slice(0, 2).map((word) => [...word][0]).join("");
  const own = id === state.app.user && state.app.color;
  const node = h("span", { class: `avatar ${size} ${app || known?.app ? "app" : ""} hue-${hue(id || name || "")}`, "aria-hidden": "true" }, letters.toUpperCase());
  if (own && /^#[0-9a-f]{6}$/i.test(own)) node.style.setProperty("background", own);
  return node;
}

export function everybody() {
  const people = state.people.filter((one) => !one.deleted && !one.slackbot).map((one) => ({
    id: one.id, kind: "person", title: one.real_name, about: one.app ? "app" : `@${one.name}`, app: one.app,
    avatar: () => avatar(one.id, one.real_name, { size: "small" }),
  }));
  people.sort((one, other) => one.app - other.app || one.title.localeCompare(other.title));
  const rooms = state.rooms.filter((one) => !["im", "mpim"].includes(one.kind) && !one.archived).map((one) => ({
    id: one.id, kind: one.kind, title: roomName(one), about: "",
    avatar: () => h("span", { class: "sign", "aria-hidden": "true" }, one.kind === "group" ? icon("lock", 14) : "#"),
  }));
  return [...people, ...rooms];
}
