// The page: its frame, the sidebar, the header; and what is drawn when something changes.

import { closed, composer } from "./composer.js";
import { h, icon, iconButton, remember, replace } from "./dom.js";
import { author, messages } from "./messages.js";
import { avatar } from "./people.js";
import { ask, menu, panel } from "./popup.js";
import { act, botRoom, go, listen, me, onChange, openHome, person, reader, refresh, roomName, state, ui } from "./store.js";
import { mrkdwn } from "./text.js";
import { clockButton, follow, pane, storyBar, toolButtons } from "./tools.js";
import { openFile } from "./viewer.js";
import { drawDialog, drawHome } from "./views.js";

// -- the frame -----------------------------------------------------------------------------------------------

const online = h("span", { class: "online" });
const clock = clockButton();
const tools = toolButtons();
const theme = iconButton("sun", "Light or dark", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"), { class: "tool" });
const burger = iconButton("menu", "Conversations", () => go({ sidebar: !ui.sidebar }), { class: "tool burger", "aria-expanded": "false" });
const team = h("span", { class: "team" });
const bar = h("div", { class: "bar", role: "banner" }, burger, team, online, h("span", { class: "gap" }), clock.node, tools.nodes, theme);

const sidebar = h("nav", { class: "sidebar", "aria-label": "Conversations" });
const head = h("header", { class: "head" });
const log = h("div", { class: "log", role: "log", "aria-label": "Messages", tabindex: 0, "aria-live": "off" });
const foot = h("div", { class: "foot" });
const room = h("main", { class: "room", "aria-label": "Conversation" }, head, log, foot);
const threadLog = h("div", { class: "log", role: "log", "aria-label": "Thread", tabindex: 0, "aria-live": "off" });
const threadFoot = h("div", { class: "foot" });
const thread = h("aside", { class: "thread", "aria-label": "Thread", hidden: true },
  h("header", { class: "head" }, h("h2", {}, "Thread"), iconButton("close", "Close the thread", () => go({ thread: "" }))), threadLog, threadFoot);
const cover = h("div", { class: "workspace" }, sidebar, room, thread);
const side = h("aside", { class: "pane", "aria-label": "Tools", hidden: true });
const story = h("div", { class: "story", role: "region", "aria-label": "The story", hidden: true });
const stage = h("div", { class: "stage" }, h("div", { class: "covered" }, cover), side);
const heard = h("div", { class: "unseen", "aria-live": "polite" });
document.body.replaceChildren(h("div", { class: "page" }, bar, stage, story), heard);

const drawPane = pane(side);
const drawStory = storyBar(story);

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  localStorage.setItem("theme", name);
}
setTheme(localStorage.getItem("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));

// -- the sidebar ---------------------------------------------------------------------------------------------

const seen = new Map(); // person/room -> how much of what others said was there when it was last looked at

function unread(line) {
  const key = `${state.me}/${line.id}`;
  if (!seen.has(key)) seen.set(key, line.said);
  if (line.id === ui.room && !ui.tab && document.visibilityState === "visible") seen.set(key, line.said);
  return line.member ? line.said - seen.get(key) : 0;
}

function entry({ id, key = id, before, words, count = 0, current, faint = false, run }) {
  return h("button", { type: "button", class: `entry${count ? " unread" : ""}${faint ? " faint" : ""}`, "aria-current": current ? "page" : undefined, data: { focus: key }, onclick: run },
    before, h("span", { class: "entry-words" }, words), count > 0 && h("span", { class: "unread-count" }, h("span", { class: "unseen" }, "unread: "), String(count)));
}

function drawSidebar() {
  const lines = state.rooms.map((line) => ({ ...line, count: unread(line) }));
  const sign = JSON.stringify([lines, state.people, ui.room, ui.tab, state.me, state.app]);
  burger.setAttribute("aria-expanded", String(ui.sidebar));
  cover.classList.toggle("with-sidebar", ui.sidebar);
  if (sidebar.signature === sign) return;
  sidebar.signature = sign;
  const open = (line) => () => go({ room: line.id, tab: "", sidebar: false });
  const name = (one, other) => roomName(one).localeCompare(roomName(other));
  const channels = lines.filter((line) => ["channel", "group"].includes(line.kind)).sort((one, other) => one.archived - other.archived || !one.member - !other.member || name(one, other));
  const groups = lines.filter((line) => line.kind === "mpim");
  const people = state.people.filter((one) => !one.app && !one.slackbot && !one.deleted && one.id !== state.me).sort((one, other) => one.real_name.localeCompare(other.real_name));
  const dm = (id) => lines.find((line) => line.kind === "im" && (line.others[0] ?? state.me) === id);
  const bot = botRoom() && lines.find((line) => line.id === botRoom().id);
  const back = remember(sidebar);
  replace(sidebar, actor(),
    group("Channels", channels.map((line) => entry({ id: line.id, words: line.name, count: line.count, faint: !line.member || line.archived, run: open(line), current: ui.room === line.id && !ui.tab,
      before: h("span", { class: "sign", "aria-label": line.kind === "group" ? "private channel" : undefined, role: line.kind === "group" ? "img" : undefined }, line.kind === "group" ? icon("lock", 14) : "#") })),
    iconButton("plus", "Create a channel", () => newChannel(sidebar.querySelector("[data-focus=new-channel]")), { data: { focus: "new-channel" } })),
    group("Direct messages", [...groups.map((line) => entry({ id: line.id, words: roomName(line), count: line.count, run: open(line), current: ui.room === line.id && !ui.tab, before: icon("people", 16) })),
      ...people.map((one) => {
        const line = dm(one.id);
        return entry({ id: one.id, words: one.real_name, count: line?.count, current: line && ui.room === line.id && !ui.tab, before: avatar(one.id, one.real_name, { size: "small" }),
          run: async () => {
            const { room: made } = await act({ do: "direct", with: one.id });
            if (made) go({ room: made, tab: "", sidebar: false });
          } });
      })]),
    group("Apps", [entry({ key: "app", words: state.app.name, count: bot?.count, before: avatar(state.app.user, state.app.name, { app: true, size: "small" }),
      current: ui.tab === "home" || (bot && ui.room === bot.id && !ui.tab), run: () => (bot?.count || !state.app.home ? openBot() : openHome()) })]));
  back?.(sidebar);
}

function group(name, entries, more) {
  return h("section", {}, h("div", { class: "group-name" }, h("h2", {}, name), more), h("ul", {}, entries.map((one) => h("li", {}, one))));
}

function actor() {
  const one = me();
  const people = state.people.filter((other) => !other.app && !other.slackbot && !other.deleted);
  const node = h("button", { type: "button", class: "actor", "aria-haspopup": "menu", "aria-expanded": "false", title: "Act as somebody else", data: { focus: "actor" },
    onclick: () => menu(node, people.map((other) => ({ label: other.real_name, about: `@${other.name} · ${other.tz.replaceAll("_", " ")}`, checked: other.id === one.id,
      before: avatar(other.id, other.real_name, { size: "small" }), run: () => actAs(other.id) })), "Act as") },
  avatar(one.id, one.real_name), h("span", { class: "actor-words" }, h("small", {}, "You act as"), h("b", {}, one.real_name)), icon("down", 16));
  return node;
}

async function actAs(id) {
  const direct = state.rooms.find((line) => line.id === ui.room)?.kind === "im";
  const home = ui.tab === "home";
  await go({ me: id, follow: false, ...(direct ? { room: "" } : {}) });
  if (home) await openHome();
}

async function openBot() {
  const { room: opened } = await act({ do: "direct", with: state.app.user });
  if (opened) await go({ room: opened, tab: "", sidebar: false });
}

function newChannel(anchor) {
  const name = h("input", { class: "input", placeholder: "e.g. plan-launch", "aria-label": "Name of the channel" });
  const closedOff = h("input", { type: "checkbox" });
  const make = async () => {
    const { room: made } = await act({ do: "create", name: name.value.trim().replace(/^#/, ""), private: closedOff.checked });
    if (!made) return;
    close();
    go({ room: made, tab: "" });
  };
  name.addEventListener("keydown", (event) => event.key === "Enter" && make());
  const close = panel(anchor, h("div", { class: "form" }, h("b", {}, "Create a channel"), name, h("label", { class: "choice" }, closedOff, " Private"),
    h("button", { type: "button", class: "button primary", onclick: make }, "Create")), "Create a channel");
}

// -- the room ------------------------------------------------------------------------------------------------

function drawHead(line) {
  const home = ui.tab === "home";
  const bot = home || (line?.kind === "im" && line.others[0] === state.app.user);
  const sign = JSON.stringify([line && { ...line, said: 0 }, home, bot, state.room && [state.room.topic, state.room.members, state.room.pinned, state.room.bookmarks], state.me]);
  if (head.signature === sign) return;
  head.signature = sign;
  const title = bot ? state.app.name : line ? roomName(line) : "";
  document.title = `${title || "Sandbox"} · ${me().real_name}`;
  room.setAttribute("aria-label", title || "Conversation");
  const mark = bot ? avatar(state.app.user, state.app.name, { app: true, size: "small" }) : line?.kind === "im" ? avatar(line.others[0] ?? state.me, roomName(line), { size: "small" })
    : line && h("span", { class: "sign", "aria-hidden": "true" }, line.kind === "group" ? icon("lock", 16) : line.kind === "mpim" ? icon("people", 16) : "#");
  const back = remember(head);
  replace(head, h("h1", {}, mark, h("span", {}, title)),
    bot && state.app.home && h("div", { class: "tabs" }, tab("Home", home, openHome), state.app.messages && tab("Messages", !home, openBot)),
    state.room?.topic && h("span", { class: "topic" }, mrkdwn(state.room.topic, reader)), h("span", { class: "gap" }),
    state.room?.pinned.length > 0 && pins(), state.room && line && !bot && line.kind !== "im" && people(line));
  back?.(head);
}

const tab = (words, current, run) => h("button", { type: "button", class: "tab", "aria-current": current ? "page" : undefined, onclick: run, data: { focus: `tab-${words}` } }, words);

function pins() {
  const { pinned } = state.room;
  const node = h("button", { type: "button", class: "head-button", "aria-label": `${pinned.length} pinned`, data: { focus: "pins" }, onclick: () => menu(node, pinned.map((one) => ({
    label: author(one), about: shorten(one), before: icon("pin", 14), run: () => jump(one.ts) })), "Pinned messages", { end: true }) }, icon("pin", 15), String(pinned.length));
  return node;
}

function shorten(one) {
  const words = one.text || one.blocks?.map((block) => block.text?.text ?? "").join(" ") || "";
  return replace(h("span"), mrkdwn(words, reader)).textContent.slice(0, 90);
}

async function jump(ts) {
  if (!log.querySelector(`[data-ts="${ts}"]`)) await go({ most: 2000 });
  const found = log.querySelector(`[data-ts="${ts}"]`);
  found?.scrollIntoView({ block: "center" });
  found?.focus({ preventScroll: true });
}

function people(line) {
  const { members } = state.room;
  const others = state.people.filter((one) => !one.slackbot && !one.deleted && !members.includes(one.id));
  const node = h("button", { type: "button", class: "head-button", "aria-label": `${members.length} members`, data: { focus: "members" }, onclick: () => menu(node, [
    ...members.map((id) => ({ label: person(id)?.real_name ?? id, about: `@${person(id)?.name}`, before: avatar(id, "", { size: "small" }), run: () => (id === state.app.user ? openHome() : act({ do: "direct", with: id }).then(({ room: made }) => made && go({ room: made, tab: "" }))) })),
    ...(line.member && others.length ? [{ divider: true }, ...others.map((one) => ({ label: `Invite ${one.real_name}`, run: () => act({ do: "invite", room: line.id, who: one.id }) }))] : []),
    ...(line.member ? [{ divider: true }, { label: "Leave channel", danger: true, run: () => leave(line) }] : []),
  ], "Members", { end: true }) }, icon("people", 15), String(members.length));
  return node;
}

async function leave(line) {
  if (await ask({ title: `Leave #${line.name}?`, text: "You can be invited again, or join it when it is public.", confirm: "Leave", deny: "Cancel", style: "danger" })) await act({ do: "leave", room: line.id });
}

let shownRoom = "";

/** A log stays at its end while it grows or its frame shrinks, unless somebody has scrolled up. */
function stick(frame) {
  const down = () => held.low && (frame.scrollTop = frame.scrollHeight);
  const held = { low: true, toEnd: () => ((held.low = true), down()) };
  const sizes = new ResizeObserver(down);
  sizes.observe(frame);
  new MutationObserver(() => {
    sizes.disconnect();
    [frame, ...frame.children].forEach((one) => sizes.observe(one));
  }).observe(frame, { childList: true });
  frame.addEventListener("scroll", () => (held.low = frame.scrollHeight - frame.scrollTop - frame.clientHeight < 60));
  return held;
}
const logEnd = stick(log);
const threadEnd = stick(threadLog);

function drawRoom(line) {
  const home = ui.tab === "home";
  log.classList.toggle("home-frame", home);
  if (home) {
    logEnd.low = false;
    if (shownRoom !== "home") replace(log);
    shownRoom = "home";
    log.setAttribute("role", "region");
    log.setAttribute("aria-label", "Home");
    drawHome(log, state.home);
    replaceFoot(foot, "home", () => []);
    return;
  }
  log.setAttribute("role", "log");
  log.setAttribute("aria-label", "Messages");
  const key = `${state.me}/${ui.room}`;
  const fresh = shownRoom !== key;
  const { low } = logEnd;
  if (fresh) replace(log);
  shownRoom = key;
  if (!state.room) {
    replace(log, h("p", { class: "empty" }, line || !ui.room ? "" : "This person cannot see that conversation."));
    replaceFoot(foot, "none", () => []);
    return;
  }
  let list = log.querySelector(":scope > .list");
  if (!list) {
    replace(log, h("div", { class: "start" }), (list = h("div", { class: "list" })));
  }
  const before = list.lastElementChild?.dataset.ts;
  replace(log.firstElementChild, start(line));
  const height = log.scrollHeight;
  messages(list, state.room.messages, "room");
  if (fresh) logEnd.low = true;
  if (fresh || low) log.scrollTop = log.scrollHeight;
  else if (ui.most > 200 && before === list.lastElementChild?.dataset.ts) log.scrollTop += log.scrollHeight - height;
  const latest = state.room.messages.at(-1);
  if (!fresh && latest && latest.ts !== before && latest.user !== state.me) heard.textContent = `${author(latest)}: ${list.lastElementChild?.querySelector(".content")?.textContent.slice(0, 300) ?? ""}`;
  const title = line.kind === "channel" || line.kind === "group" ? `#${line.name}` : roomName(line);
  replaceFoot(foot, `${key}/${state.room.closed}/${title}`, () => (state.room.closed ? closed(line, state.room.closed) : composer(line, "", title, logEnd.toEnd)));
}

function start(line) {
  const { earlier } = state.room;
  if (earlier) return h("button", { type: "button", class: "button small earlier", onclick: () => go({ most: ui.most + 300 }) }, `${earlier} earlier messages`);
  if (line.kind === "im") return h("p", { class: "beginning" }, `This conversation is just between ${roomName(line)} and you.`);
  return h("p", { class: "beginning" }, h("b", {}, line.kind === "mpim" ? roomName(line) : `# ${line.name}`), " This is where it begins.");
}

function replaceFoot(node, sign, make) {
  if (node.signature === sign) return;
  const focused = node.contains(document.activeElement);
  node.signature = sign;
  replace(node, make());
  if (focused) node.querySelector("textarea")?.focus();
}

function drawThread(line) {
  const open = Boolean(ui.thread && state.thread && line && !ui.tab);
  const fresh = thread.hidden && open;
  thread.hidden = !open;
  cover.classList.toggle("with-thread", open);
  if (!open) return;
  const { low } = threadEnd;
  messages(threadLog, state.thread.messages, "thread");
  if (fresh) threadEnd.low = true;
  if (fresh || low) threadLog.scrollTop = threadLog.scrollHeight;
  const title = line.kind === "im" ? roomName(line) : `#${line.name}`;
  replaceFoot(threadFoot, `${state.me}/${ui.thread}/${state.room.closed}`, () => (state.room.closed ? closed(line, state.room.closed) : composer(line, ui.thread, title, threadEnd.toEnd)));
  if (fresh && !state.dialog) threadFoot.querySelector("textarea")?.focus({ preventScroll: true });
}

// -- drawing -------------------------------------------------------------------------------------------------

function draw() {
  if (!ui.tab && !state.rooms.some((line) => line.id === ui.room)) {
    const first = state.rooms.find((line) => line.member && !line.archived && line.kind === "channel") ?? state.rooms.find((line) => line.member);
    if (first && first.id !== ui.room) return void go({ room: first.id });
  }
  const line = state.rooms.find((one) => one.id === ui.room);
  replace(team, state.team.name);
  online.classList.toggle("off", !state.sockets);
  online.title = state.sockets ? `${state.app.name} is connected` : `${state.app.name} is not connected`;
  replace(online, h("span", { class: "unseen" }, online.title));
  clock.tick();
  tools.draw();
  drawSidebar();
  drawHead(line);
  drawRoom(line);
  drawThread(line);
  drawDialog(state.dialog, cover);
  drawPane();
  drawStory();
  follow();
  return undefined;
}

onChange(draw);
document.addEventListener("open-file", ({ detail }) => openFile(detail));
document.addEventListener("traffic", () => ui.pane === "inspector" && drawPane());
document.addEventListener("visibilitychange", () => state && drawSidebar());
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !state?.dialog && !event.defaultPrevented) {
    if (ui.sidebar) go({ sidebar: false });
    else if (thread.contains(document.activeElement)) go({ thread: "" });
  }
});
addEventListener("hashchange", () => location.reload());
listen((up) => document.body.classList.toggle("lost", !up));
refresh();
