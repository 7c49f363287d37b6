// Elements made of text and attributes only: nothing here ever parses HTML, so nothing typed can run.

const SVG = "http://www.w3.org/2000/svg";

/** `props`: on* are listeners, `class`, `data`, `style` (an object); true and false set or leave out an attribute. */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "style") for (const [key, one] of Object.entries(value)) node.style.setProperty(key, one);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  append(node, children);
  return node;
}

export function append(node, children) {
  for (const child of [children].flat(Infinity)) {
    if (child === undefined || child === null || child === false || child === "") continue;
    node.append(child);
  }
  return node;
}

export function replace(node, ...children) {
  node.replaceChildren();
  return append(node, children);
}

/** Make `container`'s children those of `items`, keeping each node whose signature has not changed. */
export function keyed(container, items, key, signature, make) {
  const before = new Map([...container.children].map((node) => [node.dataset.key, node]));
  let place = container.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    const sign = signature(item);
    const old = before.get(name);
    before.delete(name);
    if (old && old.signature === sign) {
      if (old === place) place = place.nextElementSibling;
      else container.insertBefore(old, place);
      continue;
    }
    const made = make(item, old);
    made.dataset.key = name;
    made.signature = sign;
    if (old) {
      const kept = remember(old);
      if (old === place) place = place.nextElementSibling;
      old.replaceWith(made);
      if (made.nextElementSibling !== place) container.insertBefore(made, place);
      kept?.(made);
    } else container.insertBefore(made, place);
  }
  for (const gone of before.values()) gone.remove();
}

/** Where the focus was within `node`, by data-focus, to be put there again in what takes its place. */
export function remember(node) {
  const active = document.activeElement;
  if (!node.contains(active)) return null;
  const name = active.closest("[data-focus]")?.dataset.focus;
  return (now) => {
    now.focus({ preventScroll: true }); // what shows its tools when it has the focus does so now
    const found = name && [...now.querySelectorAll("[data-focus]")].find((one) => one.dataset.focus === name);
    found?.focus({ preventScroll: true });
  };
}

let numbers = 0;
export const newId = (word) => `${word}-${(numbers += 1)}`;

const PATHS = {
  menu: "M4 6h16M4 12h16M4 18h16",
  close: "M6 6l12 12M18 6L6 18",
  smile: "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18M8.5 14.5c1 1.4 2.2 2 3.5 2s2.5-.6 3.5-2M9 9.5v.5M15 9.5v.5",
  thread: "M5 5h14v10H11l-4 4v-4H5zM9 9h6M9 12h4",
  pin: "M9 4h6l-1 6l3 3H7l3-3zM12 13v7",
  more: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  send: "M4 12l16-7l-5 15l-4-6z",
  clock: "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18M12 7v5l3 2",
  traffic: "M4 8h13l-3-3M20 16H7l3 3",
  shield: "M12 3l7 3v6c0 4-3 7-7 9c-4-2-7-5-7-9V6zM9 12l2 2l4-4",
  bolt: "M13 3L5 14h6l-1 7l8-11h-6z",
  sun: "M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8M12 3v1M12 20v1M3 12h1M20 12h1M5.6 5.6l.7.7M17.7 17.7l.7.7M5.6 18.4l.7-.7M17.7 6.3l.7-.7",
  lock: "M7 11h10v8H7zM9 11V8a3 3 0 0 1 6 0v3",
  people: "M9 11a3 3 0 1 0 0-6a3 3 0 0 0 0 6M3.5 19c.5-3 2.500-5 5.500-5s5 2 5.500 5M16 5.500a3 3 0 0 1 0 5.500M17 14.200c2 .6 3.200 2.300 3.500 4.800",
  file: "M7 3h7l4 4v14H7zM14 3v4h4",
  download: "M12 4v11M8 11l4 4l4-4M5 20h14",
  plus: "M12 5v14M5 12h14",
  back: "M14 6l-6 6l6 6",
  down: "M6 9l6 6l6-6",
  pause: "M9 5v14M15 5v14",
  play: "M8 5l11 7l-11 7z",
  skip: "M5 5l9 7l-9 7zM18 5v14",
  home: "M4 11l8-7l8 7v9h-5v-6H9v6H4z",
  search: "M11 4a7 7 0 1 0 0 14a7 7 0 0 0 0-14M16 16l5 5",
  calendar: "M5 6h14v14H5zM5 10h14M9 3.500v4M15 3.500v4",
  eye: "M2.500 12c2.500-4.500 5.700-6.500 9.500-6.500s7 2 9.500 6.500c-2.500 4.500-5.700 6.500-9.500 6.500s-7-2-9.500-6.500M12 9.500a2.500 2.500 0 1 0 0 5a2.500 2.500 0 0 0 0-5",
};

export function icon(name, size = 18) {
  const drawn = { viewBox: "0 0 24 24", width: size, height: size, class: "icon", "aria-hidden": "true" };
  return svg("svg", drawn, svg("path", { d: PATHS[name] }));
}

export function iconButton(name, label, onclick, more = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...more },
    icon(name));
}
