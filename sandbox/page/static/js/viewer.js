// Files, opened on the page: documents in a frame without script or origin, texts as text.

import { h, icon, iconButton, newId, replace } from "./dom.js";
import { reader, state, ui } from "./store.js";
import { sizeOf } from "./messages.js";
import { markdown } from "./text.js";

const FRAMED = ["html", "htm", "svg"];
const PICTURES = ["png", "jpg", "jpeg", "gif"];

const known = () => [...(state.room?.messages ?? []), ...(state.thread?.messages ?? [])].flatMap((one) => one.files ?? []);

export async function openFile(id) {
  const file = known().find((one) => one.id === id) ?? { id, name: id, title: id, size: 0, filetype: "txt", pretty_type: "" };
  const address = `/page/files/${id}?${new URLSearchParams({ as: ui.me })}`;
  const from = document.activeElement;
  const name = newId("file");
  const body = h("div", { class: "file-body", tabindex: 0, role: "region", "aria-label": file.name });
  const close = () => {
    veil.remove();
    from?.focus?.({ preventScroll: true });
  };
  const box = h("div", { class: "viewer", role: "dialog", "aria-modal": "true", "aria-labelledby": name },
    h("div", { class: "dialog-head" }, h("h2", { id: name, class: "dialog-title" }, file.title || file.name), h("span", { class: "viewer-about" }, `${file.pretty_type} · ${sizeOf(file.size)}`),
      h("a", { class: "icon-button", href: `${address}&download`, download: file.name, title: "Download", "aria-label": "Download" }, icon("download")),
      h("a", { class: "button small", href: address, target: "_blank", rel: "noopener" }, "Open in a tab"),
      iconButton("close", "Close", close)), body);
  const veil = h("div", { class: "veil top" }, box);
  veil.addEventListener("keydown", (event) => event.key === "Escape" && close());
  veil.addEventListener("pointerdown", (event) => event.target === veil && close());
  document.body.append(veil);
  box.querySelector("button").focus();
  if (FRAMED.includes(file.filetype)) return replace(body, h("iframe", { src: address, sandbox: "", title: file.title || file.name }));
  if (PICTURES.includes(file.filetype)) return replace(body, h("img", { src: address, alt: file.title || file.name }));
  const answer = await fetch(address);
  if (!answer.ok) return replace(body, h("p", { class: "empty" }, await answer.text()));
  const text = await answer.text();
  return replace(body, file.filetype === "md" ? h("div", { class: "markdown document" }, markdown(text, reader)) : h("pre", { class: "raw" }, text));
}

