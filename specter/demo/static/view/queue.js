// The QueueService: how far it is, how fast it was during the last minute, what its workers read.

import { $, bytes, count, el, plural, run } from "./tools.js";

export function queue(slice) {
  const percent = slice.total ? Math.floor((100 * slice.done) / slice.total) : 100;
  const busy = slice.done < slice.total;
  run($("queue-percent"), percent);
  $("queue-state").textContent = busy
    ? `${count(slice.done)} of ${plural(slice.total, "file")}`
    : slice.total ? `${plural(slice.total, "file")}, ${bytes(slice.bytes)}` : "nothing to do";
  const bar = $("queue-bar");
  bar.setAttribute("aria-valuenow", percent);
  bar.classList.toggle("busy", busy);
  bar.firstElementChild.style.width = `${percent}%`;
  $("workers").replaceChildren(...Array.from({ length: slice.workers }, (_, place) => worker(slice.current[place])));
}

function worker(file) {
  // A left-to-right mark on each side: the name is cut off at its beginning, and keeps its order.
  return el("li", file ? "busy" : "", el("i"), file ? el("span", "file", `\u200e${file}\u200e`) : "idle");
}

export function speed(rates) {
  const peak = Math.max(...rates);
  $("speed").replaceChildren(...rates.map((rate) => {
    const column = el("span", rate ? "" : "none");
    // By the square root: a burst of thousands leaves a single file visible.
    column.style.setProperty("--share", `${100 * Math.sqrt(rate / Math.max(peak, 4))}%`);
    return column;
  }));
  $("speed-peak").textContent = peak ? `peak ${plural(peak, "file")} a second` : "";
}
