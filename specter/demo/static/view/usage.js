// The ManagedProcess: its lines as they come, and how it ended.

import { $, el } from "./tools.js";

export function usage(slice) {
  const terminal = $("terminal");
  const atEnd = terminal.scrollHeight - terminal.scrollTop - terminal.clientHeight < 24;
  $("usage-command").textContent = slice.command;
  $("usage-lines").replaceChildren(...slice.lines.map(line));
  $("usage-exit").textContent = slice.running || slice.returncode === null ? "" : ending(slice.returncode);
  $("usage-exit").classList.toggle("running", slice.running);
  $("usage-measure").disabled = slice.running;
  $("usage-halt").disabled = !slice.running;
  if (atEnd) terminal.scrollTop = terminal.scrollHeight;
}

function line(text) {
  const parts = /^(\s*[\d.]+ \w+  )([█▏▎▍▌▋▊▉ ]{12})(  .*)$/u.exec(text);
  if (parts) return el("div", "", parts[1], el("span", "blocks", parts[2]), parts[3]);
  return el("div", text.startsWith("measuring ") ? "step" : "sum", text);
}

function ending(code) {
  return code < 0 ? `ended by signal ${-code}` : `exit code ${code}`;
}

/** Let the buttons ask the server; `ask` sends an event and gives its acknowledgement. */
export function connect(ask) {
  $("usage-measure").addEventListener("click", () => ask("usage:measure"));
  $("usage-halt").addEventListener("click", () => ask("usage:halt"));
}
