// What the Watcher has seen, newest first. Rows are kept, so that only a new one moves.

import { $, ago, bytes, el, paint, plural } from "./tools.js";

const SIGNS = { added: "+", modified: "~", deleted: "−", seen: "◦" };
const rows = new Map();

export function activity(entries) {
  const list = $("activity-list");
  const first = rows.size === 0;
  const known = new Set(entries.map((entry) => entry.id));
  for (const [id, row] of rows) {
    if (!known.has(id)) {
      row.node.remove();
      rows.delete(id);
    }
  }
  for (const entry of [...entries].reverse()) {
    const old = rows.get(entry.id);
    const state = JSON.stringify(entry);
    if (old?.state === state) continue;
    const node = draw(entry);
    if (old) old.node.replaceWith(node);
    else {
      if (!first) node.classList.add("fresh");
      list.prepend(node);
    }
    rows.set(entry.id, { node, state, at: entry.at });
  }
  $("activity-empty").hidden = entries.length > 0;
  list.hidden = entries.length === 0;
  age();
}

/** After a restart the numbers of the entries begin anew. */
export function forget() {
  for (const { node } of rows.values()) node.remove();
  rows.clear();
}

function draw(entry) {
  const { facts } = entry;
  return el("li", "",
    el("span", `sign ${entry.what}`, SIGNS[entry.what]),
    entry.counts ? seen(entry.counts) : name(entry),
    facts ? el("span", "kind", paint(el("i"), facts.kind), facts.kind) : el("span", "kind"),
    el("span", "number", facts && !facts.problem ? bytes(facts.size) : ""),
    el("span", "digest", ...digest(entry)),
    el("time"),
  );
}

function name({ path, facts }) {
  const cut = path.lastIndexOf("/") + 1;
  const node = el("span", "file-name", el("span", "dir", path.slice(0, cut)), el("span", "base", path.slice(cut)));
  node.title = path;
  if (!cut) node.firstChild.remove();
  if (facts?.problem) node.append(el("span", "problem", facts.problem));
  return node;
}

function seen(counts) {
  const parts = [];
  if (counts.added) parts.push(`${plural(counts.added, "file")} came into view`);
  if (counts.deleted) parts.push(`${plural(counts.deleted, "file")} left out`);
  if (counts.modified) parts.push(`${plural(counts.modified, "file")} modified`);
  return el("span", "file-name", el("span", "base", parts.join(", ")));
}

function digest({ what, facts }) {
  if (facts) return [facts.digest.slice(0, 8)];
  return what === "added" || what === "modified" ? [el("span", "reading", "hashing")] : [];
}

function age() {
  const now = Date.now() / 1000;
  for (const { node, at } of rows.values()) node.lastChild.textContent = ago(now - at);
}

setInterval(age, 1000);
