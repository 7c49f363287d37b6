// Slack's `data_visualization` block: pie, bar, line and area, drawn as SVG and told in words beside it.

import { h, svg } from "./dom.js";

const WIDE = 560;
const HIGH = 240;
const COLORS = 8;
const color = (n) => `chart-${n % COLORS}`;
const figure = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });

export function chart(block) {
  const { chart: data, title } = block;
  const drawn = data.type === "pie" ? pie(data) : axes(data);
  return h("figure", { class: "chart" }, h("figcaption", {}, title),
    svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": `${title}. ${inWords(data)}` }, drawn),
    legend(data));
}

const names = (data) => (data.type === "pie" ? data.segments.map((one) => one.label) : data.series.map((one) => one.name));

function legend(data) {
  const figures = data.type === "pie" && data.segments.map((one) => figure.format(one.value));
  if (data.type !== "pie" && data.series.length < 2) return null;
  return h("ul", { class: "legend" }, names(data).map((name, n) =>
    h("li", {}, h("span", { class: `key ${color(n)}` }), name, figures && h("b", {}, figures[n]))));
}

function inWords(data) {
  if (data.type === "pie") return data.segments.map((one) => `${one.label}: ${one.value}`).join(", ");
  return data.series.map((one) => `${one.name}: ${one.data.map((at) => `${at.label} ${at.value}`).join(", ")}`).join("; ");
}

function pie({ segments }) {
  const whole = segments.reduce((sum, one) => sum + one.value, 0);
  const [x, y, far, near] = [WIDE / 2, HIGH / 2, 108, 62];
  let angle = -Math.PI / 2;
  const at = (radius, turn) => `${x + radius * Math.cos(turn)} ${y + radius * Math.sin(turn)}`;
  return segments.map((one, n) => {
    const from = angle;
    const turn = Math.min((one.value / whole) * 2 * Math.PI, 2 * Math.PI - 0.0001);
    angle += turn;
    const large = turn > Math.PI ? 1 : 0;
    const d = `M${at(far, from)} A${far} ${far} 0 ${large} 1 ${at(far, angle)} L${at(near, angle)} A${near} ${near} 0 ${large} 0 ${at(near, from)}Z`;
    return svg("path", { d, class: `slice ${color(n)}` }, svg("title", {}, `${one.label}: ${figure.format(one.value)}`));
  });
}

/** A step of 1, 2 or 5 times a power of ten that divides the span into about four. */
function step(span) {
  const power = 10 ** Math.floor(Math.log10(span / 4 || 1));
  return [1, 2, 5, 10].map((one) => one * power).find((one) => span / one <= 5);
}

function axes(data) {
  const { categories, x_label: below, y_label: beside } = data.axis_config;
  const values = data.series.flatMap((one) => one.data.map((point) => point.value));
  const by = step(Math.max(...values, 0) - Math.min(...values, 0) || 1);
  const low = Math.floor(Math.min(...values, 0) / by) * by;
  const top = Math.ceil(Math.max(...values, by) / by) * by;
  const [left, right, up, down] = [beside ? 58 : 44, WIDE - 8, 10, HIGH - (below ? 44 : 26)];
  const x = (n) => left + ((n + 0.5) * (right - left)) / categories.length;
  const y = (value) => down - ((value - low) / (top - low)) * (down - up);
  const lines = [];
  for (let value = low; value <= top + by / 2; value += by) {
    lines.push(svg("line", { x1: left, x2: right, y1: y(value), y2: y(value), class: value ? "rule" : "rule zero" }),
      svg("text", { x: left - 6, y: y(value) + 4, class: "tick end" }, figure.format(value)));
  }
  const every = Math.ceil(categories.length / 9);
  const labels = categories.map((name, n) => n % every === 0 && svg("text", { x: x(n), y: down + 16, class: "tick middle" }, name));
  const words = [below && svg("text", { x: (left + right) / 2, y: HIGH - 6, class: "axis middle" }, below),
    beside && svg("text", { x: 0, y: 0, class: "axis middle", transform: `translate(12 ${(up + down) / 2}) rotate(-90)` }, beside)];
  const drawn = data.series.map((one, n) => (data.type === "bar" ? bars(one, n, data.series.length, categories, x, y)
    : curve(one, n, categories, x, y, data.type === "area")));
  return [lines, labels, words, drawn];
}

const point = (one, name) => one.data.find((at) => at.label === name)?.value ?? 0;

function bars(one, n, among, categories, x, y) {
  const room = (x(1) - x(0) || WIDE / 2) * 0.7;
  const wide = Math.min(room / among, 48);
  return categories.map((name, at) => {
    const value = point(one, name);
    const [from, to] = [y(Math.max(value, 0)), y(Math.min(value, 0))];
    const place = x(at) - (wide * among) / 2 + n * wide;
    return svg("rect", { x: place + 1, y: from, width: Math.max(wide - 2, 1), height: Math.max(to - from, 0), rx: 2, class: color(n) },
      svg("title", {}, `${name}: ${figure.format(value)}`));
  });
}

function curve(one, n, categories, x, y, filled) {
  const path = categories.map((name, at) => `${at ? "L" : "M"}${x(at)} ${y(point(one, name))}`).join("");
  const area = `${path}L${x(categories.length - 1)} ${y(0)}L${x(0)} ${y(0)}Z`;
  return [filled && svg("path", { d: area, class: `area ${color(n)}` }), svg("path", { d: path, class: `line ${color(n)}` }),
    categories.map((name, at) => svg("circle", { cx: x(at), cy: y(point(one, name)), r: 3, class: color(n) },
      svg("title", {}, `${name}: ${figure.format(point(one, name))}`)))];
}
