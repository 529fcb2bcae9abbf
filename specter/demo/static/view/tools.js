// What all views use. Names of files are only ever set as text, never as HTML.

export const $ = (id) => document.getElementById(id);

/** Make an element: `el("li", "fresh", "text", child)`. Strings become text nodes. */
export function el(tag, className = "", ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

const integer = new Intl.NumberFormat("en");

export const count = (number) => integer.format(Math.round(number));
export const plural = (number, one, many = one + "s") => `${count(number)} ${number === 1 ? one : many}`;

export function bytes(size) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

export function ago(seconds) {
  if (seconds < 2) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return `${Math.floor(seconds / 3600)} h ago`;
}

const still = matchMedia("(prefers-reduced-motion: reduce)");
const shown = new WeakMap();

/** Let a number run to its new value. */
export function run(node, value, format = count) {
  const from = shown.get(node) ?? 0;
  shown.set(node, value);
  if (from === value || still.matches || document.hidden) {
    node.textContent = format(value);
    return;
  }
  const began = performance.now();
  const step = (now) => {
    if (shown.get(node) !== value) return;
    const part = Math.min(1, (now - began) / 400);
    node.textContent = format(part < 1 ? from + (value - from) * (1 - (1 - part) ** 3) : value);
    if (part < 1) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

const KINDS = [
  "Other", "Python", "Text", "HTML", "CSS", "Data", "Settings", "JavaScript", "Image", "Shell",
  "TypeScript", "C and C++", "Rust", "Go", "Java", "Sound", "Video", "Font", "Document", "Archive",
];

/** Give an element the colour of a kind of file. */
export function paint(node, kind) {
  const place = Math.max(0, KINDS.indexOf(kind));
  node.style.setProperty("--kind", `var(--kind-${place === 0 ? 0 : 1 + ((place - 1) % 9)})`);
  return node;
}
