// The page: a mirror of the server's board. Each slice that arrives is handed to the view of its name.

import { io } from "./vendor/socket.io.esm.min.js";
import { activity, forget } from "./view/activity.js";
import { summary } from "./view/kinds.js";
import { queue, speed } from "./view/queue.js";
import { runtime } from "./view/runtime.js";
import { settings } from "./view/settings.js";
import { $ } from "./view/tools.js";
import { changes, folder, totals } from "./view/totals.js";
import { connect, usage } from "./view/usage.js";

const views = { activity, changes, folder, queue, runtime, settings, speed, summary, totals, usage };

function draw(slices) {
  for (const [name, slice] of Object.entries(slices)) views[name]?.(slice);
}

function say(state, text) {
  document.body.dataset.link = state;
  $("link-text").textContent = text;
}

const socket = io({
  transports: ["websocket", "polling"],
  tryAllTransports: true,
  reconnectionDelay: 500,
  reconnectionDelayMax: 2000,
});

socket.on("connect", async () => {
  const board = await socket.emitWithAck("hello");
  forget();
  draw(board);
  say("live", "live");
});
socket.on("board", draw);
socket.on("disconnect", () => say("lost", "reconnecting…"));
socket.on("connect_error", () => say("lost", "reconnecting…"));

connect((event) => socket.connected && socket.emit(event));
