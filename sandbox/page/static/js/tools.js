// What Slack does not have: the clock, the inspector, what Slack would have refused, faults, the story.

import { h, icon, iconButton, keyed, replace } from "./dom.js";
import { menu } from "./popup.js";
import { act, clock, go, me, reader, state, ui } from "./store.js";
import { dateText, timeOf } from "./text.js";

// -- the clock -----------------------------------------------------------------------------------------------

export function clockButton() {
  const words = h("span", {});
  const node = h("button", { type: "button", class: "tool clock", "aria-haspopup": "menu", "aria-expanded": "false", onclick: () => menu(node, [
    { label: "+10 minutes", run: () => move({ hours: 1 / 6 }) },
    { label: "+1 hour", run: () => move({ hours: 1 }) },
    { label: "Tomorrow 9:00", about: me().tz.replaceAll("_", " "), run: () => move({ tomorrow: 9 }) },
    { label: "+3 days", run: () => move({ days: 3 }) },
    { label: "+1 week", run: () => move({ days: 7 }) },
    { divider: true },
    state.stands_still ? { label: "Let the clock run", run: () => move({ still: false }) } : { label: "Stop the clock", run: () => move({ still: true }) },
  ], "Move the clock", { end: true }) }, icon("clock", 16), words);
  const tick = () => {
    if (!reader) return;
    replace(words, `${weekday()} ${dateText(clock.now(), "{date_short}", reader).replace(/,.*/, "")}, ${timeOf(clock.now(), me().tz)}`);
    node.setAttribute("aria-label", `The sandbox's clock: ${words.textContent}. Move it`);
    node.title = "The sandbox's clock";
  };
  setInterval(tick, 1000);
  return { node, tick };
}

const weekday = () => dateText(clock.now(), "{date_long}", reader).slice(0, 3);

async function move(how) {
  document.body.classList.add("moving");
  await act({ do: "clock", ...how });
  document.body.classList.remove("moving");
}

// -- the pane at the side ------------------------------------------------------------------------------------

const TABS = { inspector: "Inspector", strictness: "Strictness", faults: "Faults" };

export function toolButtons() {
  const made = Object.entries({ inspector: "traffic", strictness: "shield", faults: "bolt" }).map(([name, drawn]) =>
    h("button", { type: "button", class: "tool", "aria-expanded": "false", data: { tool: name, focus: `tool-${name}` }, title: TABS[name],
      onclick: () => go({ pane: ui.pane === name ? "" : name }) }, icon(drawn, 16), h("span", { class: "tool-name" }, TABS[name]), h("span", { class: "count" })));
  const draw = () => {
    for (const node of made) {
      const name = node.dataset.tool;
      node.setAttribute("aria-expanded", String(ui.pane === name));
      const count = { strictness: state.violations.length, faults: state.faults.length }[name] ?? 0;
      replace(node.lastChild, count ? String(count) : "");
      node.classList.toggle("bad", count > 0 && name === "strictness");
      node.classList.toggle("on", count > 0 && name === "faults");
    }
  };
  return { nodes: made, draw };
}

export function pane(frame) {
  const body = h("div", { class: "pane-body", tabindex: 0, role: "region", "aria-label": "Panel" });
  const title = h("h2", {});
  replace(frame, h("header", {}, title, iconButton("close", "Close the panel", () => go({ pane: "" }))), body);
  let open = "";
  return () => {
    frame.hidden = !TABS[ui.pane];
    frame.closest(".page").classList.toggle("with-pane", !frame.hidden);
    if (frame.hidden) return (open = "");
    if (open !== ui.pane) {
      replace(title, TABS[ui.pane]);
      replace(body);
      body.setAttribute("aria-label", TABS[ui.pane]);
    }
    const fresh = open !== ui.pane;
    open = ui.pane;
    return { inspector: () => inspector(body, fresh), strictness: () => strictness(body), faults: () => faults(body, fresh) }[ui.pane]();
  };
}

// -- the inspector -------------------------------------------------------------------------------------------

let filter = "";
const opened = new Map();

async function inspector(body, fresh) {
  if (fresh) {
    const search = h("input", { class: "input", type: "search", placeholder: "Filter: views.open, reaction_added, refused…", "aria-label": "Filter the payloads", value: filter });
    search.addEventListener("input", () => {
      filter = search.value;
      inspector(body, false);
    });
    replace(body, h("p", { class: "pane-about" }, "Every payload to and from the app, with how long it took until it was answered."), search, h("div", { class: "traffic" }));
  }
  const list = body.querySelector(".traffic");
  const answer = await fetch("/page/traffic");
  if (!answer.ok || !list?.isConnected) return;
  const lines = (await answer.json()).reverse();
  const wanted = filter.toLowerCase();
  const fits = (line) => !wanted || `${line.what} ${line.kind} ${line.outcome} ${line.good ? "" : "refused"}`.toLowerCase().includes(wanted);
  keyed(list, lines.filter(fits).slice(0, 200), (line) => line.id, (line) => JSON.stringify(line), row);
}

function row(line) {
  const arrow = line.way === "to" ? "→" : "←";
  const more = h("div", { class: "payload", hidden: !opened.has(line.id) });
  const head = h("button", { type: "button", class: `line ${line.way} ${line.good ? "" : "bad"}`, "aria-expanded": String(opened.has(line.id)), data: { focus: line.id }, onclick: () => toggle(line, head, more) },
    h("span", { class: "way", title: line.way === "to" ? "to the app" : "from the app" }, arrow),
    h("span", { class: "what" }, line.what, h("span", { class: "kind" }, line.kind.replace("_", " "))),
    h("span", { class: "outcome" }, line.outcome === "acknowledged" ? "ack" : line.outcome, line.attempts > 1 ? ` ×${line.attempts}` : ""),
    h("span", { class: "took" }, line.milliseconds === null ? "…" : `${line.milliseconds} ms`));
  if (opened.has(line.id)) load(line.id, more);
  return h("div", {}, head, more);
}

function toggle(line, head, more) {
  const show = !opened.has(line.id);
  if (show) opened.set(line.id, true);
  else opened.delete(line.id);
  head.setAttribute("aria-expanded", String(show));
  more.hidden = !show;
  if (show) load(line.id, more);
}

async function load(id, more) {
  const answer = await fetch(`/page/traffic/${id}`);
  if (!answer.ok) return;
  const { sent, answered, attempts } = await answer.json();
  const json = (words, value) => [h("h3", {}, words), h("pre", { tabindex: 0 }, JSON.stringify(value, null, 2))];
  replace(more, json("Sent", sent), answered !== null && answered !== undefined && json("Answered", answered),
    attempts?.length > 1 && json("Attempts", attempts));
}

// -- strictness ----------------------------------------------------------------------------------------------

function strictness(body) {
  const { violations } = state;
  const sign = JSON.stringify(violations);
  if (body.dataset.sign === sign && body.childElementCount) return;
  body.dataset.sign = sign;
  replace(body, h("p", { class: "pane-about" }, "What real Slack would have refused, or its users would have seen as an error."),
    violations.length ? h("ol", { class: "violations" }, violations.map((one) => h("li", {}, one)))
      : h("p", { class: "all-well" }, icon("shield", 28), "Nothing: all of it would have passed."));
}

// -- faults --------------------------------------------------------------------------------------------------

const FAULTS = [
  { name: "rate_limit", label: "Rate limit", about: "The next three calls are answered 429, “Retry-After: 2”." },
  { name: "rate_limits", label: "Slack's own rate limits", about: "Each method's tier, and one message a second and channel." },
  { name: "errors", label: "Server errors", about: "The next three calls are answered 503." },
  { name: "slow", label: "Slow network", about: "Every call takes one second.", more: { seconds: 1 } },
  { name: "drop", label: "Dropped socket", about: "Every socket breaks without a word." },
  { name: "refresh", label: "Refresh requested", about: "Slack asks the app to connect anew." },
  { name: "outage", label: "Outage", about: "No socket comes up for ten minutes of the sandbox's clock.", more: { minutes: 10 } },
  { name: "double", label: "Doubled events", about: "The next five events are delivered twice.", more: { times: 5 } },
  { name: "withhold", label: "Lost acknowledgement", about: "The next acknowledgement gets lost." },
];

function faults(body, fresh) {
  if (fresh) {
    replace(body, h("p", { class: "pane-about" }, "Let something go wrong, and see what the app makes of it."),
      FAULTS.map(({ name, label, about, more }) => h("div", { class: "fault" }, h("div", {}, h("b", {}, label), h("span", {}, about)),
        h("button", { type: "button", class: "button small", "aria-label": `${label}: let it happen`, onclick: () => act({ do: "fault", name, ...more }) }, "Let it happen"))),
      h("div", { class: "fault-state" }));
  }
  const now = body.querySelector(".fault-state");
  replace(now, state.faults.length ? [h("h3", {}, "Going wrong now"), h("ul", {}, state.faults.map((one) => h("li", {}, one))),
    h("button", { type: "button", class: "button", onclick: () => act({ do: "fault", name: "clear" }) }, "All well again")] : h("p", { class: "pane-about" }, "Nothing goes wrong at the moment."));
}

// -- the story -----------------------------------------------------------------------------------------------

let followed = "";

/** Open what the story looks at, unless the visitor went elsewhere. */
export function follow() {
  const { story } = state;
  if (!story || story.over || !ui.follow) return;
  const at = `${story.person}/${story.channel}`;
  if (at === followed) return;
  followed = at;
  go({ ...(story.person && { me: story.person }), ...(story.channel && { room: story.channel, tab: "" }) });
}

export function storyBar(frame) {
  const words = h("p", { class: "story-words", role: "status", "aria-live": "polite" });
  const controls = h("div", { class: "story-controls" });
  replace(frame, words, controls);
  let sign = "";
  let hidden = false;
  return () => {
    const { story } = state;
    frame.hidden = !story || hidden;
    if (frame.hidden) return;
    const now = JSON.stringify([story, ui.follow]);
    if (now === sign) return;
    sign = now;
    if (words.textContent !== story.text) replace(words, story.text);
    frame.classList.toggle("over", story.over);
    const pace = (how) => act({ do: "story", ...how });
    const focus = document.activeElement?.dataset?.focus;
    replace(controls, story.over ? iconButton("close", "Hide the story", () => ((hidden = true), (frame.hidden = true))) : [
      h("label", { class: "follow" }, h("input", { type: "checkbox", checked: ui.follow, data: { focus: "follow" }, onchange: (event) => {
        followed = "";
        go({ follow: event.target.checked });
        follow();
      } }), " Follow"),
      h("button", { type: "button", class: "button small", data: { focus: "pause" }, onclick: () => pace({ paused: !story.paused }) }, icon(story.paused ? "play" : "pause", 14), story.paused ? "Go on" : "Pause"),
      h("div", { class: "speeds", role: "group", "aria-label": "Speed" }, [0.5, 1, 2, 4].map((speed) => h("button", { type: "button", class: "button small",
        "aria-pressed": String(story.speed === speed), data: { focus: `speed-${speed}` }, onclick: () => pace({ speed }) }, `${speed === 0.5 ? "½" : speed}×`))),
      h("button", { type: "button", class: "button small", data: { focus: "skip" }, disabled: story.skipped, onclick: () => pace({ skipped: true }) }, icon("skip", 14), "Skip to the end"),
    ]);
    if (focus) controls.querySelector(`[data-focus="${focus}"]`)?.focus();
  };
}
