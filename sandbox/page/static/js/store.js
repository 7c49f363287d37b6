// What the server says, what this page has open, and how to do something.

import { notice } from "./popup.js";
import { Reader } from "./text.js";

export const ui = { me: "", room: "", tab: "", thread: "", pane: "", most: 200, editing: "", follow: true, sidebar: false };
export let state = null;
export let reader = null;
let draw = () => {};
let last = "";
let fetching = null;
let again = false;

const read = new URLSearchParams(location.hash.slice(1));
for (const name of ["me", "room", "tab", "thread", "pane"]) ui[name] = read.get(name) ?? "";

export function onChange(function_) {
  draw = function_;
}

/** Open something else: names and values of `ui`. */
export function go(changes) {
  if ("room" in changes && changes.room !== ui.room) Object.assign(ui, { thread: "", most: 200, editing: "" });
  Object.assign(ui, changes);
  const kept = Object.entries(ui).filter(([name, value]) => value && ["me", "room", "tab", "thread", "pane"].includes(name));
  history.replaceState(null, "", `#${new URLSearchParams(kept)}`);
  if (state) draw();
  return refresh();
}

/** Ask for the state anew; while that is under way once more afterwards. */
export function refresh() {
  if (fetching) {
    again = true;
    return fetching;
  }
  fetching = load().catch(unreachable).finally(async () => {
    fetching = null;
    if (again) {
      again = false;
      await refresh();
    }
  });
  return fetching;
}

/** The server is gone or busy stopping; the live connection says so, and asks again once it is back. */
function unreachable(error) {
  if (!(error instanceof TypeError && /fetch|load/i.test(error.message))) throw error;
}

async function load() {
  const asked = { as: ui.me, room: ui.room, thread: ui.thread, most: ui.most };
  const answer = await fetch(`/page/state?${new URLSearchParams(asked)}`);
  const text = await answer.text();
  if (asked.as !== ui.me || asked.room !== ui.room || asked.thread !== ui.thread) {
    again = true;
    return;
  }
  const { number, now, ...rest } = JSON.parse(text);
  clock.base = now - performance.now() / 1000;
  clock.still = rest.stands_still ? now : null;
  const words = JSON.stringify(rest);
  if (words === last && state) return;
  last = words;
  state = rest;
  if (!ui.me) ui.me = state.me;
  reader = makeReader();
  draw();
}

export const clock = { base: 0, still: null, now: () => clock.still ?? clock.base + performance.now() / 1000 };

export const person = (id) => state.people.find((one) => one.id === id);
export const me = () => person(state.me);

function makeReader() {
  const names = new Map(state.people.map((one) => [one.id, { name: one.app ? one.real_name : one.name, kind: "person" }]));
  for (const room of state.rooms) names.set(room.id, { name: roomName(room), kind: room.kind, private: room.kind === "group" });
  for (const group of state.groups) names.set(group.id, { name: group.handle, kind: "group" });
  return new Reader({ names, tz: me().tz, now: clock.now(), domain: state.team.domain, me: state.me, go: reach });
}

export function roomName(room) {
  if (room.kind === "im") {
    const other = person(room.others[0] ?? state.me);
    return other ? other.real_name : room.name;
  }
  if (room.kind === "mpim") return room.others.map((id) => person(id)?.real_name ?? id).join(", ");
  return room.name;
}

export const botRoom = () => state.rooms.find((room) => room.kind === "im" && room.others[0] === state.app.user);

/** Follow a mention or an address inside the workspace. */
export async function reach({ user, room, permalink }) {
  if (room) return go({ room, tab: "", sidebar: false });
  if (user) {
    if (user === state.app.user && state.app.home) return openHome();
    const { room: opened } = await act({ do: "direct", with: user });
    return opened && go({ room: opened, tab: "", sidebar: false });
  }
  const found = /\/archives\/(\w+)(?:\/p(\d+)(\d{6}))?(?:\?thread_ts=([\d.]+))?/.exec(permalink);
  const file = /\/files\/\w+\/(\w+)\//.exec(permalink);
  if (file) return document.dispatchEvent(new CustomEvent("open-file", { detail: file[1] }));
  if (!found || !state.rooms.some((one) => one.id === found[1])) return notice("That is not to be seen from here.");
  await go({ room: found[1], tab: "", thread: found[4] ?? "", sidebar: false, most: 2000 });
  const ts = found[2] && `${found[2]}.${found[3]}`;
  const target = ts && document.querySelector(`.message[data-ts="${ts}"]`);
  target?.scrollIntoView({ block: "center" });
  target?.focus({ preventScroll: true });
  return undefined;
}

export async function openHome() {
  go({ room: "", tab: "home", thread: "", sidebar: false });
  await act({ do: "home" });
}

/** Do something as the person whom this page acts as; what is refused is told in a notice. */
export async function act(deed, { quiet = false } = {}) {
  let answer;
  try {
    const response = await fetch(`/page/do?${new URLSearchParams({ as: ui.me })}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(deed),
    });
    answer = response.headers.get("Content-Type")?.startsWith("application/json") ? await response.json() : { error: await response.text() };
  } catch {
    answer = { error: "The sandbox does not answer any more." };
  }
  if (answer.error && !quiet) notice(answer.error, "bad");
  if (answer.failed) notice(answer.failed, "bad");
  await refresh();
  return answer;
}

/** Be told of changes, for as long as the page is open. */
export function listen(online) {
  const source = new EventSource("/page/live");
  let seen = "";
  let timer = null;
  let instance = "";
  source.addEventListener("message", ({ data }) => {
    online(true);
    const news = JSON.parse(data);
    if (instance && instance !== news.instance) location.reload();
    instance = news.instance;
    if (data === seen) return;
    seen = data;
    timer ??= setTimeout(() => {
      timer = null;
      refresh();
      document.dispatchEvent(new CustomEvent("traffic"));
    }, 60);
  });
  source.addEventListener("error", () => online(false));
}
