// Block Kit as DOM: every block that Slack draws in messages, dialogs and Home tabs.

import { chart } from "./charts.js";
import { h, icon, iconButton, newId, replace } from "./dom.js";
import { field, isField, question, valueOf } from "./fields.js";
import { ask, menu } from "./popup.js";
import { link, markdown, mrkdwn, plain, richText, textObject } from "./text.js";

/**
 * `ctx`: {reader, surface, values, errors, everybody(), act(blockId, actionId, value), changed(block, element, value,
 * how), suggest(block, element, typed), upload(name, content), fields: Map} - what is drawn tells it what is used.
 */
export function blocks(list, ctx) {
  return list.map((one) => block(one, ctx));
}

function block(one, ctx) {
  const draw = BLOCKS[one.type];
  const node = h("div", { class: `block b-${one.type}`, data: { block: one.block_id } });
  if (!draw) return replace(node, h("span", { class: "unknown" }, `A block of the type ${one.type}`));
  return replace(node, draw(one, ctx));
}

const text = (object, ctx) => object && textObject(object, ctx.reader);

const BLOCKS = {
  section: (one, ctx) => [
    h("div", { class: "section-words" }, one.text && h("div", { class: "words" }, text(one.text, ctx)),
      one.fields && h("div", { class: "section-fields" }, one.fields.map((part) => h("div", { class: "words" }, text(part, ctx))))),
    one.accessory && h("div", { class: "accessory" }, element(one.accessory, one, ctx, labelOf(one, ctx))),
  ],
  header: (one) => h("div", { role: "heading", "aria-level": 2, class: `heading level-${one.level ?? 1}` }, plain(one.text.text)),
  divider: () => h("hr"),
  context: (one, ctx) => one.elements.map((part) => (part.type === "image" ? image(part, "context-image") : h("span", { class: "words" }, text(part, ctx)))),
  actions: (one, ctx) => one.elements.map((part) => element(part, one, ctx, part.placeholder?.text ?? part.action_id)),
  input: (one, ctx) => input(one, ctx),
  image: (one) => h("figure", {}, one.title && h("figcaption", {}, plain(one.title.text)), image(one, "image")),
  rich_text: (one, ctx) => richText(one, ctx.reader),
  markdown: (one, ctx) => h("div", { class: "markdown" }, markdown(one.text, ctx.reader)),
  table: (one, ctx) => table(one, ctx),
  data_table: (one, ctx) => dataTable(one, ctx),
  data_visualization: (one) => chart(one),
  container: (one, ctx) => container(one, ctx),
  alert: (one, ctx) => h("div", { class: `alert ${one.level ?? "default"}`, role: "note" }, icon("shield"), h("div", { class: "words" }, text(one.text, ctx))),
  card: (one, ctx) => card(one, ctx),
  carousel: (one, ctx) => h("div", { class: "carousel", tabindex: 0, role: "group", "aria-label": "Cards" }, one.elements.map((part) => card(part, ctx))),
  plan: (one, ctx) => [h("div", { class: "plan-title" }, one.title), (one.tasks ?? []).map((part) => task(part, ctx))],
  task_card: (one, ctx) => task(one, ctx),
  context_actions: (one, ctx) => one.elements.map((part) => element(part, one, ctx, part.action_id)),
  video: (one, ctx) => h("div", { class: "card" }, h("div", { class: "card-title" }, link(one.title_url ?? one.video_url, plain(one.title.text), ctx.reader)),
    one.description && h("div", { class: "words" }, plain(one.description.text)), h("div", { class: "placeholder" }, `▶ ${one.alt_text}`)),
  file: (one) => h("div", { class: "placeholder" }, `File ${one.external_id}`),
  call: (one) => h("div", { class: "placeholder" }, `Call ${one.call_id}`),
  auth_provider: (one, ctx) => h("div", { class: "card" }, h("div", { class: "card-title" }, plain(one.name.text)),
    one.description && h("div", {}, plain(one.description.text)), one.accessory && element(one.accessory, one, ctx, one.name.text)),
};

const labelOf = (one, ctx) => (one.text ? replace(h("span"), text(one.text, ctx)).textContent.slice(0, 80) : "");

/** Nothing is loaded from outside: a picture is shown by its description. */
function image(one, kind) {
  const words = one.alt_text || one.image_url;
  return h("span", { class: `picture ${kind}`, role: "img", "aria-label": words, title: one.image_url }, icon("eye", 14), h("span", {}, words));
}

// -- what is clicked -----------------------------------------------------------------------------------------

function element(part, one, ctx, label) {
  if (part.type === "image") return image(part, "thumb");
  if (part.visible_to_user_ids && !part.visible_to_user_ids.includes(ctx.reader.me)) return null;
  if (isField(part)) return loose(part, one, ctx, label);
  const use = (value) => ctx.act(one.block_id, part.action_id, value);
  switch (part.type) {
    case "button":
    case "workflow_button": return button(part, ctx, () => use(null), `${one.block_id}/${part.action_id}`);
    case "overflow": return overflow(part, ctx, use, `${one.block_id}/${part.action_id}`);
    case "icon_button": return h("button", { type: "button", class: "button small", "aria-label": part.accessibility_label ?? part.text.text, onclick: () => use(null) }, "🗑 ", part.text.text);
    case "feedback_buttons": return h("span", { class: "feedback" }, ["positive_button", "negative_button"].map((side) =>
      h("button", { type: "button", class: "button small", "aria-label": part[side].accessibility_label, onclick: () => use(part[side].text.text) },
        side === "positive_button" ? "👍 " : "👎 ", part[side].text.text)));
    default: return h("span", { class: "unknown" }, part.type);
  }
}

function button(part, ctx, use, focus) {
  const node = h(part.url ? "a" : "button", {
    type: part.url ? undefined : "button", class: `button ${part.style ?? ""}`, "aria-label": part.accessibility_label,
    href: part.url, target: part.url && "_blank", rel: part.url && "noopener noreferrer", data: { focus },
  }, h("span", {}, plain(part.text.text)));
  node.addEventListener("click", async () => {
    if (node.getAttribute("aria-busy") || (part.confirm && !(await ask(question(part.confirm, ctx.reader))))) return;
    node.setAttribute("aria-busy", "true");
    await use();
    node.removeAttribute("aria-busy");
  });
  return node;
}

function overflow(part, ctx, use, focus) {
  const node = iconButton("more", "More actions", () => menu(node, part.options.map((option) => ({
    label: plain(option.text.text), about: option.description?.text,
    run: async () => {
      if (part.confirm && !(await ask(question(part.confirm, ctx.reader)))) return;
      if (option.url) window.open(option.url, "_blank", "noopener");
      await use(option.text.text);
    },
  })), "More actions", { end: true }), { class: "button overflow", "aria-haspopup": "menu", "aria-expanded": "false", data: { focus } });
  return node;
}

/** A field outside an input block: using it is told to the app at once. */
function loose(part, one, ctx, label) {
  const made = field(part, {
    label: label || part.placeholder?.text || part.action_id, reader: ctx.reader, ctx, focus: `${one.block_id}/${part.action_id}`,
    suggest: (typed) => ctx.suggest(one, part, typed), upload: ctx.upload,
    changed: (value, how) => how.dispatch && ctx.act(one.block_id, part.action_id, value),
  });
  made.set(valueOf(part, ctx.values, one.block_id));
  ctx.fields?.set(`${one.block_id}|${part.action_id}`, { ...made, element: part, block: one, loose: true });
  return made.node;
}

// -- inputs --------------------------------------------------------------------------------------------------

function input(one, ctx) {
  const { element: part } = one;
  const id = newId("field");
  const grouped = ["checkboxes", "radio_buttons"].includes(part.type);
  const hint = one.hint && h("div", { class: "hint", id: `${id}-hint` }, plain(one.hint.text));
  const error = h("div", { class: "error", id: `${id}-error`, role: "alert" });
  const made = field(part, {
    id: grouped ? undefined : id, label: one.label.text, described: `${hint ? `${id}-hint ` : ""}${id}-error`, required: !one.optional,
    reader: ctx.reader, ctx, focus: `${one.block_id}/${part.action_id}`, suggest: (typed) => ctx.suggest(one, part, typed), upload: ctx.upload,
    changed: (value, how) => ctx.changed(one, part, value, how),
  });
  made.set(valueOf(part, ctx.values, one.block_id));
  const frame = h("div", { class: "field" },
    h(grouped ? "div" : "label", { class: "label", for: grouped ? undefined : id }, plain(one.label.text),
      one.optional && h("span", { class: "optional" }, " (optional)")),
    made.node, hint, error);
  const say = (sentence) => {
    replace(error, sentence);
    frame.classList.toggle("wrong", Boolean(sentence));
    made.node.querySelector("input, textarea")?.setAttribute("aria-invalid", String(Boolean(sentence)));
    if (made.node.matches("input, textarea")) made.node.setAttribute("aria-invalid", String(Boolean(sentence)));
  };
  say(ctx.errors?.[one.block_id] ?? "");
  ctx.fields?.set(`${one.block_id}|${part.action_id}`, { ...made, element: part, block: one, say });
  return frame;
}

// -- tables --------------------------------------------------------------------------------------------------

const cell = (one, ctx) => (one.type === "rich_text" ? richText(one, ctx.reader) : one.text);
const words = (one) => (one.type === "rich_text" ? JSON.stringify(one.elements) : one.text);

function table(one, ctx) {
  const set = (n) => {
    const { align, is_wrapped: wrapped } = one.column_settings?.[n] ?? {};
    return `${align ? `align-${align}` : ""}${wrapped ? " wrapped" : ""}`;
  };
  const [head, ...rest] = one.rows;
  return h("div", { class: "table-frame", tabindex: 0, role: "group", "aria-label": "Table" }, h("table", { class: "table" },
    h("thead", {}, h("tr", {}, head.map((part, n) => h("th", { scope: "col", class: set(n) }, cell(part, ctx))))),
    h("tbody", {}, rest.map((row) => h("tr", {}, row.map((part, n) => h("td", { class: set(n) }, cell(part, ctx))))))));
}

/** Pages of `page_size` rows, ordered by a column when its head is clicked. */
function dataTable(one, ctx) {
  const [head, ...rest] = one.rows;
  const size = one.page_size ?? 5;
  const pages = Math.ceil(rest.length / size);
  let [page, by, down] = [0, -1, false];
  const frame = h("div", { class: "data-table" });
  const value = (part) => (part.type === "raw_number" ? part.value : words(part).toLowerCase());
  const draw = (focus) => {
    const rows = by < 0 ? rest : [...rest].sort((a, b) => {
      const [x, y] = [value(a[by]), value(b[by])];
      return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
    });
    const order = (n) => () => {
      [by, down] = by === n ? (down ? [-1, false] : [n, true]) : [n, false];
      page = 0;
      draw(`sort-${n}`);
    };
    const shown = rows.slice(page * size, (page + 1) * size);
    const first = one.row_header_column_index ?? 0;
    replace(frame, h("div", { class: "table-frame", tabindex: 0, role: "group", "aria-label": one.caption }, h("table", { class: "table" },
      h("caption", {}, one.caption),
      h("thead", {}, h("tr", {}, head.map((part, n) => h("th", { scope: "col", class: rest.every((row) => row[n].type === "raw_number") ? "align-right" : "", "aria-sort": by === n ? (down ? "descending" : "ascending") : "none" },
        h("button", { type: "button", class: "sort", data: { focus: `sort-${n}` }, onclick: order(n) }, cell(part, ctx), by === n ? (down ? " ↓" : " ↑") : ""))))),
      h("tbody", {}, shown.map((row) => h("tr", {}, row.map((part, n) => h(n === first ? "th" : "td",
        { scope: n === first ? "row" : undefined, class: part.type === "raw_number" ? "align-right" : "" }, cell(part, ctx)))))))),
    pages > 1 && h("div", { class: "pages" },
      h("span", {}, `${page * size + 1}–${Math.min((page + 1) * size, rest.length)} of ${rest.length}`),
      h("button", { type: "button", class: "button small", disabled: page === 0, data: { focus: "before" }, onclick: () => ((page -= 1), draw("before")) }, "Previous"),
      h("button", { type: "button", class: "button small", disabled: page === pages - 1, data: { focus: "after" }, onclick: () => ((page += 1), draw("after")) }, "Next")));
    if (focus) frame.querySelector(`[data-focus="${focus}"]`)?.focus({ preventScroll: true });
  };
  draw();
  return frame;
}

// -- frames --------------------------------------------------------------------------------------------------

function container(one, ctx) {
  const id = newId("container");
  const title = [one.icon && image(one.icon, "context-image"), h("span", { class: "container-title" }, one.rich_text_title ? richText(one.rich_text_title, ctx.reader) : plain(one.title.text)),
    one.subtitle && h("span", { class: "container-subtitle" }, text(one.subtitle, ctx))];
  const inside = h("div", { class: "container-inside", id, hidden: Boolean(one.is_collapsible && one.default_collapsed) }, blocks(one.child_blocks, ctx));
  if (!one.is_collapsible) {
    return h("div", { class: `container ${one.width ?? "standard"}${one.has_header_divider ? " ruled" : ""}` }, h("div", { class: "container-head" }, title), inside);
  }
  const head = h("button", { type: "button", class: "container-head", "aria-expanded": String(!one.default_collapsed), "aria-controls": id,
    onclick: () => {
      inside.hidden = !inside.hidden;
      head.setAttribute("aria-expanded", String(!inside.hidden));
    } }, h("span", { class: "fold", "aria-hidden": "true" }), title);
  return h("div", { class: `container ${one.width ?? "standard"}` }, head, inside);
}

function card(one, ctx) {
  return h("div", { class: "card" }, one.hero_image && image(one.hero_image, "image"),
    one.title && h("div", { class: "card-title" }, text(one.title, ctx)), one.subtitle && h("div", { class: "card-subtitle" }, text(one.subtitle, ctx)),
    one.body && h("div", { class: "words" }, text(one.body, ctx)), one.subtext && h("div", { class: "card-subtitle" }, text(one.subtext, ctx)),
    one.actions && h("div", { class: "b-actions" }, one.actions.map((part) => element(part, one, ctx, part.action_id))));
}

const MARKS = { pending: "○", in_progress: "◐", complete: "●", error: "✕" };

function task(one, ctx) {
  return h("div", { class: `task ${one.status ?? ""}` }, h("div", { class: "task-title" },
    h("span", { role: "img", "aria-label": (one.status ?? "pending").replace("_", " ") }, MARKS[one.status] ?? MARKS.pending), " ", one.title),
  ["details", "output"].map((name) => one[name] && h("div", { class: "task-more" }, richText(one[name], ctx.reader))),
  (one.sources ?? []).map((from) => h("div", { class: "task-more" }, link(from.url, from.text, ctx.reader))));
}

/** The parts of an old-style attachment. */
export function attachment(one, ctx) {
  const bar = /^#?[0-9a-f]{6}$/i.test(one.color ?? "") ? `#${one.color.replace("#", "")}` : null;
  const node = h("div", { class: "attachment" },
    one.pretext && h("div", { class: "words" }, mrkdwn(one.pretext, ctx.reader)),
    one.title && h("div", { class: "card-title" }, one.title_link ? link(one.title_link, plain(one.title), ctx.reader) : plain(one.title)),
    one.blocks ? blocks(one.blocks, ctx) : one.text && h("div", { class: "words" }, mrkdwn(one.text, ctx.reader)),
    one.fields && h("div", { class: "section-fields" }, one.fields.map((part) => h("div", {}, h("b", {}, part.title), h("br"), mrkdwn(String(part.value), ctx.reader)))),
    one.footer && h("div", { class: "card-subtitle" }, one.footer));
  if (bar) node.style.setProperty("border-left-color", bar);
  return node;
}
