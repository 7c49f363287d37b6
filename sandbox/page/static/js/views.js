// Dialogs and the Home tab: drawn from the view, patched when values change, and typed text never lost on an update.

import { blocks } from "./blocks.js";
import { h, iconButton, newId, remember, replace } from "./dom.js";
import { valueOf } from "./fields.js";
import { everybody, avatar } from "./people.js";
import { act, reader, state } from "./store.js";
import { plain } from "./text.js";

const LETTERS = 250; // milliseconds after the latest letter until the server is told

/** One view before the person: `frame` holds its blocks. */
export class View {
  constructor(frame) {
    this.frame = frame;
    this.fields = new Map();
    this.drafts = new Map(); // "block|action" -> what was typed and the server does not know yet
    this.id = "";
    this.hash = "";
    this.timer = null;
  }

  draw(view) {
    if (view.id !== this.id) this.drafts.clear();
    if (view.id !== this.id || view.hash !== this.hash || reader.tz !== this.tz) this.build(view);
    else this.patch(view);
  }

  build(view) {
    const same = view.id === this.id;
    const old = new Map([...this.fields].map(([key, field]) => [key, field.element.type]));
    const back = same ? remember(this.frame) : null;
    const top = this.frame.scrollTop;
    [this.id, this.hash, this.tz] = [view.id, view.hash, reader.tz];
    this.fields = new Map();
    for (const key of this.drafts.keys()) if (!old.has(key)) this.drafts.delete(key);
    replace(this.frame, blocks(view.blocks, this.ctx(view)));
    for (const [key, value] of this.drafts) {
      const field = this.fields.get(key);
      if (field && field.element.type === old.get(key)) field.set(value);
      else this.drafts.delete(key);
    }
    this.frame.scrollTop = same ? top : 0;
    back?.(this.frame);
  }

  patch(view) {
    for (const [key, field] of this.fields) {
      field.say?.(view.errors[field.block.block_id] ?? "");
      const busy = this.drafts.has(key) || field.node.contains(document.activeElement);
      if (!busy) field.set(valueOf(field.element, view.values, field.block.block_id));
    }
  }

  ctx(view) {
    return {
      reader, everybody, values: view.values, errors: view.errors, fields: this.fields,
      act: async (block, action, value) => {
        await this.flush();
        return act({ do: "act", view: this.id, block, action, value });
      },
      changed: (block, element, value, how) => this.changed(block, element, value, how),
      suggest: (block, element, typed) => act({ do: "suggest", view: this.id, block: block.block_id, action: element.action_id, typed }),
      upload: async (name, content) => (await act({ do: "keep_file", name, content })).file,
    };
  }

  async changed(block, element, value, how) {
    this.fields.get(`${block.block_id}|${element.action_id}`)?.say?.("");
    this.drafts.set(`${block.block_id}|${element.action_id}`, value);
    clearTimeout(this.timer);
    if (block.dispatch_action && how.dispatch) {
      this.drafts.delete(`${block.block_id}|${element.action_id}`);
      await this.flush();
      await act({ do: "act", view: this.id, block: block.block_id, action: element.action_id, value });
    } else this.timer = setTimeout(() => this.flush(), how.now ? 0 : LETTERS);
  }

  /** Tell the server what stands in the fields that were changed. */
  async flush() {
    clearTimeout(this.timer);
    const sent = [...this.drafts];
    if (!sent.length) return;
    await act({ do: "fill", view: this.id, values: sent.map(([key, value]) => [...key.split("|"), value]) }, { quiet: true });
    for (const [key, value] of sent) if (this.drafts.get(key) === value) this.drafts.delete(key);
  }

  all() {
    return [...this.fields].map(([key, field]) => [...key.split("|"), field.get()]);
  }
}

let dialog = null; // {veil, view, parts}
let from = null;

/** Show the dialog on top, or none; `room` is the element that it covers. */
export function drawDialog(shown, cover) {
  if (!shown) {
    if (!dialog) return;
    dialog.veil.remove();
    dialog = null;
    cover.inert = false;
    const composer = document.querySelector("[data-focus=compose]");
    (from?.isConnected ? from : composer)?.focus({ preventScroll: true });
    return;
  }
  const fresh = !dialog;
  if (fresh) {
    from = document.activeElement === document.body ? null : document.activeElement;
    dialog = makeDialog(cover.parentElement);
    cover.inert = true;
  }
  const { view, title, foot, error, box } = dialog;
  const other = view.id !== shown.id;
  box.classList.toggle("stacked", shown.depth > 1);
  const head = JSON.stringify([shown.id, shown.title, shown.submit, shown.close, shown.depth]);
  if (head !== dialog.head) {
    dialog.head = head;
    replace(title, avatar(state.app.user, state.app.name, { app: true, size: "small" }), h("span", {}, plain(shown.title.text)));
    replace(foot, h("button", { type: "button", class: "button", data: { focus: "cancel" }, onclick: cancel }, plain(shown.close?.text ?? "Cancel")),
      (shown.submit || shown.blocks.some((one) => one.type === "input")) && h("button", { type: "button", class: "button primary", data: { focus: "submit" }, onclick: submit }, plain(shown.submit?.text ?? "Submit")));
  }
  view.draw(shown);
  replace(error, shown.error);
  error.hidden = !shown.error;
  if (fresh || other) focusFirst(shown);
}

function makeDialog(parent) {
  const name = newId("dialog");
  const title = h("h2", { id: name, class: "dialog-title" });
  const error = h("div", { class: "dialog-error", role: "alert", hidden: true });
  const body = h("div", { class: "dialog-body", tabindex: -1 });
  const foot = h("div", { class: "dialog-foot" });
  const box = h("div", { class: "dialog", role: "dialog", "aria-labelledby": name, tabindex: -1 },
    h("div", { class: "dialog-head" }, title, iconButton("close", "Close", cancel)), error, body, foot);
  const veil = h("div", { class: "veil" }, box);
  box.addEventListener("keydown", keys);
  parent.append(veil);
  return { veil, box, title, error, body, foot, view: new View(body), head: "" };
}

function keys(event) {
  if (event.key === "Escape") {
    event.preventDefault();
    cancel();
  } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
  else if (event.key === "Tab") {
    const stops = [...dialog.box.querySelectorAll("a[href], button, input, textarea, [tabindex='0']")].filter((one) => !one.disabled && one.tabIndex >= 0 && one.offsetParent);
    const edge = event.shiftKey ? stops[0] : stops.at(-1);
    if (document.activeElement === edge || document.activeElement === dialog.box) {
      event.preventDefault();
      (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
    }
  }
}

function focusFirst(shown) {
  const inputs = [...dialog.view.fields.values()];
  const wanted = inputs.find((one) => one.element.focus_on_load) ?? inputs.find((one) => !one.loose);
  if (wanted) wanted.focus();
  else (dialog.foot.querySelector("[data-focus=submit]") ?? dialog.box).focus({ preventScroll: true });
  dialog.body.scrollTop = 0;
  return shown;
}

async function cancel() {
  if (dialog) await act({ do: "close", view: dialog.view.id }, { quiet: true });
}

async function submit() {
  const button = dialog?.foot.querySelector("[data-focus=submit]");
  if (!button || button.getAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  const { view } = dialog;
  clearTimeout(view.timer);
  view.drafts.clear();
  await act({ do: "submit", view: view.id, values: view.all() });
  button.removeAttribute("aria-busy");
  const wrong = dialog && [...dialog.view.fields.values()].find((one) => state.dialog?.errors[one.block.block_id]);
  wrong?.focus();
  wrong?.node.scrollIntoView({ block: "center" });
}

let home = null;

export function drawHome(frame, shown) {
  if (!shown) {
    home = null;
    return replace(frame, h("p", { class: "empty" }, `${state.app.name} has not shown a Home tab yet.`));
  }
  if (!home || home.frame.parentElement !== frame || home.id !== shown.id) {
    home = new View(h("div", { class: "home" }));
    replace(frame, home.frame);
  }
  home.draw(shown);
  return home;
}

