// The Cache: a summary that the server computes again only after a change made the old one invalid.

import { $, bytes, el, paint, plural } from "./tools.js";

const ROWS = 9;
let asking = false;
let drawn = false;

export function summary(slice) {
  $("cache-state").textContent = slice.fresh ? "fresh" : "stale";
  $("cache-state").classList.toggle("fresh", slice.fresh);
  $("cache-counts").textContent = `computed ${slice.computed}×, asked for ${slice.served}×`;
  if (!asking && !(slice.fresh && drawn)) {
    asking = true;
    // Twice a second at most: while files are being read it is stale again at once.
    setTimeout(ask, drawn ? 500 : 0);
  }
}

async function ask() {
  asking = false;
  try {
    const response = await fetch("/api/summary");
    if (response.ok) draw(await response.json());
  } catch {
    // The server is gone; the page says so, and is told what is stale when it is back.
  }
}

function draw(rows) {
  drawn = true;
  const rest = rows.slice(ROWS);
  const shown = rows.slice(0, ROWS);
  if (rest.length) {
    const sum = (name) => rest.reduce((total, row) => total + row[name], 0);
    shown.push({ kind: `${rest.length} more`, files: sum("files"), bytes: sum("bytes") });
  }
  $("kinds-stack").replaceChildren(...shown.filter((row) => row.bytes).map((row) => {
    const part = paint(el("span"), row.kind);
    part.style.setProperty("--share", row.bytes);
    return part;
  }));
  $("kinds-list").replaceChildren(...shown.map((row) => el("li", "",
    paint(el("i"), row.kind),
    row.kind,
    el("span", "muted", plural(row.files, "file")),
    el("span", "size", bytes(row.bytes)),
  )));
}
