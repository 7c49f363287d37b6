// Slack's texts as DOM: mrkdwn, plain text, rich text, Markdown; dates in the reader's own zone.

import { append, h } from "./dom.js";
import { emojiText } from "./emoji.js";

/** Who reads: `names` (id -> {name, kind}), `tz`, `now` (seconds), `domain`, `me`, and `go(target)` for mentions. */
export class Reader {
  constructor({ names, tz, now, domain, me, go }) {
    Object.assign(this, { names, tz, now, domain, me, go });
  }

  name(id) {
    return this.names.get(id)?.name;
  }
}

export const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

// -- dates ---------------------------------------------------------------------------------------------------

const shapes = new Map();
function shape(tz, options) {
  const key = tz + JSON.stringify(options);
  if (!shapes.has(key)) shapes.set(key, new Intl.DateTimeFormat("en-US", { timeZone: tz, ...options }));
  return shapes.get(key);
}

/** The moment's parts as a calendar and clock in `tz` show them, as numbers. */
export function partsIn(seconds, tz) {
  const options = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
    second: "2-digit", hourCycle: "h23" };
  const made = {};
  for (const { type, value } of shape(tz, options).formatToParts(new Date(seconds * 1000))) {
    if (type !== "literal") made[type] = Number(value);
  }
  return made;
}

/** Seconds since 1970 of what a clock in `tz` shows; of two such moments the earlier. */
export function momentIn(tz, year, month, day, hour, minute) {
  const wall = Date.UTC(year, month - 1, day, hour, minute) / 1000;
  let guess = wall;
  for (let turn = 0; turn < 3; turn += 1) {
    const p = partsIn(guess, tz);
    guess += wall - Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute) / 1000;
  }
  return guess;
}

export const timeOf = (seconds, tz) => told(seconds, tz, { hour: "numeric", minute: "2-digit" });
const told = (seconds, tz, options) => shape(tz, options).format(new Date(seconds * 1000)).replaceAll("\u202f", " ");
const dayNumber = (seconds, tz) => {
  const { year, month, day } = partsIn(seconds, tz);
  return Date.UTC(year, month - 1, day) / 86_400_000;
};

const ORDINALS = { one: "st", two: "nd", few: "rd", other: "th" };
const ordinal = new Intl.PluralRules("en-US", { type: "ordinal" });

function longDate(seconds, tz, now, month) {
  const { day, year } = partsIn(seconds, tz);
  const near = now && Math.abs(seconds - now) < 182 * 86_400;
  const suffix = month === "long" ? ORDINALS[ordinal.select(day)] : "";
  return `${told(seconds, tz, { month })} ${day}${suffix}${near ? "" : `, ${year}`}`;
}

function pretty(seconds, reader) {
  const away = dayNumber(seconds, reader.tz) - dayNumber(reader.now, reader.tz);
  return { "-1": "Yesterday", 0: "Today", 1: "Tomorrow" }[away];
}

export function dayName(seconds, reader) {
  const { tz, now } = reader;
  return pretty(seconds, reader) ?? `${told(seconds, tz, { weekday: "long" })}, ${longDate(seconds, tz, now, "long")}`;
}

export const sameDay = (one, other, tz) => dayNumber(one, tz) === dayNumber(other, tz);

export function ago(seconds, now) {
  const away = Math.floor(Math.abs(now - seconds));
  const [size, unit] = [[86_400, "day"], [3600, "hour"], [60, "minute"]].find(([one]) => away >= one) ?? [1, "second"];
  const amount = Math.floor(away / size);
  const words = `${amount} ${unit}${amount === 1 ? "" : "s"}`;
  return seconds > now ? `in ${words}` : `${words} ago`;
}

/** Slack's date tokens. Source: docs.slack.dev/messaging/formatting-message-text. */
export function dateText(seconds, template, reader, fallback = "") {
  const { tz, now } = reader;
  if (!Number.isFinite(seconds) || Math.abs(seconds) > 8e12) return fallback;
  const { year, month, day } = partsIn(seconds, tz);
  const two = (number) => String(number).padStart(2, "0");
  const weekday = told(seconds, tz, { weekday: "long" });
  const words = {
    date_num: () => `${year}-${two(month)}-${two(day)}`,
    date_slash: () => `${two(month)}/${two(day)}/${year}`,
    date: () => longDate(seconds, tz, now, "long"),
    date_short: () => longDate(seconds, tz, now, "short"),
    date_long: () => `${weekday}, ${longDate(seconds, tz, now, "long")}`,
    date_long_full: () => `${weekday}, ${longDate(seconds, tz, null, "long")}`,
    time: () => timeOf(seconds, tz),
    time_secs: () => told(seconds, tz, { hour: "numeric", minute: "2-digit", second: "2-digit" }),
    ago: () => ago(seconds, now),
    day_divider_pretty: () => dayName(seconds, reader),
  };
  return template.replace(/\{(\w+?)(_pretty)?\}/g, (token, name, near, at) => {
    if (words[name + (near ?? "")]) return words[name + (near ?? "")]();
    if (!words[name]) return token;
    const day = near && pretty(seconds, reader);
    return day ? (at === 0 ? day : day.toLowerCase()) : words[name]();
  });
}

// -- links and mentions --------------------------------------------------------------------------------------

const SAFE = /^(https?:|mailto:|tel:)/i;

export function link(url, children, reader) {
  if (!SAFE.test(url)) return h("span", {}, children);
  const inside = reader.domain && new RegExp(`^https://${reader.domain}\\.slack\\.com/(archives|files)/`).exec(url);
  if (inside) {
    return h("a", { href: url, onclick: (event) => (event.preventDefault(), reader.go?.({ permalink: url })) }, children);
  }
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, children);
}

function mention(id, label, reader) {
  const name = reader.name(id) ?? (label ? label.replace(/^@/, "") : id);
  return h("button", { type: "button", class: `mention${id === reader.me ? " mention-me" : ""}`,
    onclick: () => reader.go?.({ user: id }) }, `@${name}`);
}

function channel(id, label, reader) {
  const known = reader.names.get(id);
  const name = known?.name ?? (label || id);
  if (!known) return h("span", { class: "mention" }, `#${name}`);
  return h("button", { type: "button", class: "mention", onclick: () => reader.go?.({ room: id }) },
    known.private ? "" : "#", name);
}

const broadcast = (word) => h("span", { class: "mention mention-all" }, `@${word}`);

/** What stands between `<` and `>`. */
function bracket(inside, reader) {
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? "" : unescape(inside.slice(bar + 1));
  if (target.startsWith("!date^")) {
    const [, seconds, template, url] = target.split("^");
    const words = template ? dateText(Number(seconds), unescape(template), reader, label) : label;
    const time = h("span", { class: "date", title: dateText(Number(seconds), "{date_long_full} at {time}", reader) }, words);
    return url ? link(unescape(url), time, reader) : time;
  }
  if (target.startsWith("!subteam^")) return broadcast(reader.name(target.slice(9)) ?? label.replace(/^@/, ""));
  if (target.startsWith("!")) return broadcast(target.slice(1));
  if (target.startsWith("@")) return mention(target.slice(1), label, reader);
  if (target.startsWith("#")) return channel(target.slice(1), label, reader);
  return link(unescape(target), label || unescape(target).replace(/^mailto:/, ""), reader);
}

// -- mrkdwn --------------------------------------------------------------------------------------------------

const EMOJI = /:([a-z0-9_+'-]+(?:::skin-tone-\d)?):/g;

/** Text with `:names:` turned into emoji, and line breaks. */
export function plain(text, { emoji = true } = {}) {
  return text.split("\n").flatMap((line, number) => [number ? h("br") : "", ...(emoji ? emojis(line) : [line])]);
}

function emojis(line) {
  const made = [];
  let last = 0;
  for (const match of line.matchAll(EMOJI)) {
    const drawn = emojiText(match[1]);
    if (drawn.startsWith(":")) continue;
    made.push(line.slice(last, match.index), emojiNode(match[1], drawn));
    last = match.index + match[0].length;
  }
  return [...made, line.slice(last)];
}

const emojiNode = (name, drawn) => h("span", { class: "emoji", title: `:${name}:`, role: "img", "aria-label": name }, drawn);

export function mrkdwn(text, reader) {
  return text.split(/```\n?([\s\S]+?)\n?```/g).flatMap((part, number) =>
    number % 2 ? [h("pre", { tabindex: 0 }, h("code", {}, bare(part)))] : lines(part, reader));
}

/** Code: entities are read, links show their address. */
const bare = (text) => unescape(text.replace(/<([^<>|\n]+)(\|[^<>\n]*)?>/g, "$1"));

function lines(text, reader) {
  const made = [];
  let quote = null;
  let fresh = true;
  for (const line of text.split("\n")) {
    const quoted = /^&gt; ?(.*)$/.exec(line);
    if (quoted) {
      if (!quote) made.push((quote = h("blockquote")));
      else quote.append(h("br"));
      append(quote, inline(quoted[1], reader));
      fresh = true;
    } else {
      quote = null;
      if (!fresh) made.push(h("br"));
      append2(made, inline(line, reader));
      fresh = false;
    }
  }
  return made;
}

const append2 = (list, more) => list.push(...more);
const MARKS = { "*": "strong", _: "em", "~": "s" };
const TOKEN = /<([^<>\n]+)>|`([^`\n]+)`|(?<![\p{L}\p{N}])([*_~])(?=\S)((?:(?!\3).)*?\S)\3(?![\p{L}\p{N}])/gu;

function inline(text, reader) {
  const made = [];
  let last = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index < last) continue;
    made.push(...plain(unescape(text.slice(last, match.index))));
    if (match[1]) made.push(bracket(match[1], reader));
    else if (match[2]) made.push(h("code", {}, bare(match[2])));
    else made.push(h(MARKS[match[3]], {}, inline(match[4], reader)));
    last = match.index + match[0].length;
  }
  return [...made, ...plain(unescape(text.slice(last)))];
}

/** A text object, or a bare string. */
export function textObject(object, reader) {
  if (typeof object === "string") return plain(object);
  return object.type === "mrkdwn" ? mrkdwn(object.text, reader) : plain(object.text, { emoji: object.emoji !== false });
}

// -- rich text -----------------------------------------------------------------------------------------------

export function richText(block, reader) {
  return block.elements.map((part) => richPart(part, reader));
}

function richPart(part, reader) {
  const inside = () => part.elements.map((one) => richInline(one, reader));
  switch (part.type) {
    case "rich_text_list": {
      const tag = part.style === "ordered" ? "ol" : "ul";
      const items = part.elements.map((item) => h("li", {}, item.elements.map((one) => richInline(one, reader))));
      return h(tag, { start: part.offset ? part.offset + 1 : undefined, class: `indent-${part.indent ?? 0}` }, items);
    }
    case "rich_text_preformatted":
      return h("pre", { tabindex: 0 }, h("code", {}, part.elements.map((one) => one.text ?? one.url ?? "")));
    case "rich_text_quote":
      return h("blockquote", {}, inside());
    default:
      return h("div", { class: "rich-section" }, inside());
  }
}

function richInline(one, reader) {
  let made;
  switch (one.type) {
    case "text": made = plain(one.text); break;
    case "link": made = [link(one.url, one.text || one.url, reader)]; break;
    case "emoji": made = [emojiNode(one.name, emojiText(one.name))]; break;
    case "user": made = [mention(one.user_id, "", reader)]; break;
    case "usergroup": made = [broadcast(reader.name(one.usergroup_id) ?? one.usergroup_id)]; break;
    case "channel": made = [channel(one.channel_id, "", reader)]; break;
    case "broadcast": made = [broadcast(one.range)]; break;
    case "date": made = [h("span", { class: "date" }, dateText(one.timestamp, one.format, reader, one.fallback))]; break;
    case "color": made = [h("span", { class: "swatch", style: { background: one.value } }), one.value]; break;
    default: made = plain(String(one.text ?? one.url ?? one.value ?? ""));
  }
  const tags = { bold: "strong", italic: "em", strike: "s", underline: "u", code: "code", highlight: "mark" };
  for (const [style, tag] of Object.entries(tags)) if (one.style?.[style]) made = [h(tag, {}, made)];
  return made;
}

/** What one would type to get this rich text. */
export function richSource(block, reader) {
  const piece = (one) => {
    const text = one.type === "user" ? `@${reader.name(one.user_id) ?? one.user_id}`
      : one.type === "channel" ? `#${reader.name(one.channel_id) ?? one.channel_id}`
      : one.type === "emoji" ? `:${one.name}:` : one.text ?? one.url ?? "";
    const { bold, italic, strike, code } = one.style ?? {};
    const mark = `${bold ? "*" : ""}${italic ? "_" : ""}${strike ? "~" : ""}${code ? "`" : ""}`;
    return mark + text + [...mark].reverse().join("");
  };
  const line = (part) => part.elements.map(piece).join("");
  return (block?.elements ?? []).map((part) => {
    if (part.type === "rich_text_list") {
      return part.elements.map((item, n) => (part.style === "ordered" ? `${n + 1}. ` : "- ") + line(item)).join("\n");
    }
    if (part.type === "rich_text_quote") return line(part).split("\n").map((one) => `> ${one}`).join("\n");
    return part.type === "rich_text_preformatted" ? `\`\`\`${line(part)}\`\`\`` : line(part);
  }).join("\n");
}

/** What one would type to get this message: names for ids, no entities. */
export function source(text, reader) {
  return unescape(text.replace(/<([^<>\n]+)>/g, (_, inside) => {
    const [target, label] = inside.split("|");
    if (target.startsWith("@")) return `@${reader.name(target.slice(1)) ?? label ?? target.slice(1)}`;
    if (target.startsWith("#")) return `#${reader.name(target.slice(1)) ?? label ?? target.slice(1)}`;
    if (target.startsWith("!subteam^")) return label ?? target;
    if (target.startsWith("!")) return `@${target.slice(1)}`;
    return label && !target.startsWith("mailto:") ? target : (label ?? target);
  }));
}

// -- Markdown ------------------------------------------------------------------------------------------------

const RULES = [
  [/^(#{1,6}) +(.*?) *#*$/, (match, reader) => h("div",
    { class: `md-h md-h${match[1].length}`, role: "heading", "aria-level": 2 }, marked(match[2], reader))],
  [/^ *([-*_])( *\1){2,} *$/, () => h("hr")],
];

/** Markdown as Slack's `markdown` block and our documents use it; HTML in it is shown as it is typed. */
export function markdown(text, reader) {
  const made = [];
  const rows = text.replaceAll("\r", "").split("\n");
  for (let at = 0; at < rows.length;) at = mdPart(rows, at, made, reader);
  return made;
}

function mdPart(rows, at, made, reader) {
  const row = rows[at];
  if (!row.trim()) return at + 1;
  const fence = /^ *(```|~~~)/.exec(row);
  if (fence) {
    const end = rows.findIndex((one, n) => n > at && one.trim().startsWith(fence[1]));
    const last = end < 0 ? rows.length : end;
    made.push(h("pre", { tabindex: 0 }, h("code", {}, rows.slice(at + 1, last).join("\n"))));
    return last + 1;
  }
  for (const [rule, make] of RULES) {
    const match = rule.exec(row);
    if (match) return made.push(make(match, reader)), at + 1;
  }
  if (/^ *\|/.test(row) && /^ *\|?[ :|-]+\|?[ :|-]*$/.test(rows[at + 1] ?? "")) return mdTable(rows, at, made, reader);
  if (/^ *>/.test(row)) {
    let end = at;
    while (/^ *>/.test(rows[end] ?? "")) end += 1;
    made.push(h("blockquote", {}, markdown(rows.slice(at, end).map((one) => one.replace(/^ *> ?/, "")).join("\n"), reader)));
    return end;
  }
  if (ITEM.test(row)) return mdList(rows, at, made, reader);
  let end = at + 1;
  while (rows[end]?.trim() && !ITEM.test(rows[end]) && !/^ *(#{1,6} |>|```|~~~|\|)/.test(rows[end])) end += 1;
  const text = rows.slice(at, end).map((one) => one.trim()).join("\n");
  made.push(h("p", {}, marked(text, reader)));
  return end;
}

const ITEM = /^( *)([-*+]|\d+[.)]) +(.*)$/;

function mdList(rows, at, made, reader) {
  const [, indent, mark] = ITEM.exec(rows[at]);
  const ordered = /\d/.test(mark);
  const list = h(ordered ? "ol" : "ul", { start: ordered && parseInt(mark, 10) !== 1 ? parseInt(mark, 10) : undefined });
  while (at < rows.length) {
    const match = ITEM.exec(rows[at]);
    if (!match || match[1].length < indent.length || /\d/.test(match[2]) !== ordered) break;
    const inside = [];
    let next = at + 1;
    while (next < rows.length && (/^\s+\S/.test(rows[next]) && rows[next].search(/\S/) > indent.length)) {
      inside.push(rows[next].slice(indent.length + 2));
      next += 1;
    }
    const task = /^\[([ xX])\] (.*)$/.exec(match[3]);
    const box = task && h("span", { class: "task-box", role: "img", "aria-label": task[1] === " " ? "open" : "done" },
      task[1] === " " ? "☐ " : "☑ ");
    list.append(h("li", {}, box, marked(task ? task[2] : match[3], reader), markdown(inside.join("\n"), reader)));
    at = next;
    while (at < rows.length && !rows[at].trim() && ITEM.test(rows[at + 1] ?? "")) at += 1;
  }
  made.push(list);
  return at;
}

function mdTable(rows, at, made, reader) {
  const cells = (row) => row.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/)
    .map((cell) => marked(cell.trim().replaceAll("\\|", "|"), reader));
  const head = h("tr", {}, cells(rows[at]).map((cell) => h("th", { scope: "col" }, cell)));
  const body = [];
  let next = at + 2;
  while (/^ *\|/.test(rows[next] ?? "")) {
    body.push(h("tr", {}, cells(rows[next]).map((cell) => h("td", {}, cell))));
    next += 1;
  }
  made.push(h("div", { class: "table-frame", tabindex: 0, role: "group", "aria-label": "Table" },
    h("table", { class: "table" }, h("thead", {}, head), h("tbody", {}, body))));
  return next;
}

const MD = new RegExp([
  "(`+)(?<code>[^`\\n]+?)\\1", "!?\\[(?<label>[^\\]\\n]*)\\]\\((?<url>[^()\\s]+(?:\\([^()\\s]*\\))?)[^)]*\\)",
  "<(?<auto>https?://[^\\s<>]+)>", "(?<bare>https?://[^\\s<>()\\[\\]]+[^\\s<>()\\[\\].,;:!?'\"*_])",
  "\\*\\*(?<bold>\\S|\\S[\\s\\S]*?\\S)\\*\\*", "__(?<bold2>\\S|\\S[\\s\\S]*?\\S)__", "~~(?<strike>\\S|\\S[\\s\\S]*?\\S)~~",
  "\\*(?<em>[^\\s*]|[^\\s*][\\s\\S]*?[^\\s*])\\*", "(?<![\\p{L}\\p{N}])_(?<em2>[^\\s_]|[^\\s_][\\s\\S]*?[^\\s_])_(?![\\p{L}\\p{N}])",
  "\\\\(?<escaped>[\\\\`*_{}\\[\\]()#+\\-.!|~<>])", "&(?<entity>amp|lt|gt|quot|#39);",
].join("|"), "gu");
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

function marked(text, reader) {
  const made = [];
  let last = 0;
  for (const match of text.matchAll(MD)) {
    if (match.index < last) continue;
    made.push(...plain(text.slice(last, match.index)));
    const g = match.groups;
    if (g.code) made.push(h("code", {}, g.code));
    else if (g.url) made.push(link(g.url, marked(g.label || g.url, reader), reader));
    else if (g.auto || g.bare) made.push(link(g.auto ?? g.bare, g.auto ?? g.bare, reader));
    else if (g.bold || g.bold2) made.push(h("strong", {}, marked(g.bold ?? g.bold2, reader)));
    else if (g.strike) made.push(h("s", {}, marked(g.strike, reader)));
    else if (g.em || g.em2) made.push(h("em", {}, marked(g.em ?? g.em2, reader)));
    else made.push(g.escaped ?? ENTITIES[g.entity]);
    last = match.index + match[0].length;
  }
  return [...made, ...plain(text.slice(last))];
}
