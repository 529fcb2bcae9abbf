// The Runtime: which services run, which tasks they own, and where each task waits.

import { $, ago, el } from "./tools.js";

export function runtime(slice) {
  $("services").replaceChildren(...slice.services.map(({ name, status }) => {
    const node = el("li", status, el("i"), name);
    node.title = status;
    return node;
  }));
  $("tasks").replaceChildren(...slice.tasks.map((task) => {
    const since = el("td");
    since.dataset.since = task.since;
    return el("tr", "", el("td", "", task.label), el("td", "", task.owner), el("td", "", task.where), since);
  }));
  age();
}

function age() {
  const now = Date.now() / 1000;
  for (const cell of document.querySelectorAll("[data-since]")) cell.textContent = ago(now - cell.dataset.since);
}

setInterval(age, 1000);
