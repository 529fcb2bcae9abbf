// A browser's Socket.IO client under Node. Arguments: packages, address, transport. One line of JSON for each finding.

import { createRequire } from "node:module";

const [packages, url, transport] = process.argv.slice(2);
const { io } = createRequire(`${packages}/package.json`)("socket.io-client");

const tell = (name, value) => process.stdout.write(`${JSON.stringify([name, value])}\n`);
const options = { transports: [transport], forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 200 };
const connected = (socket) => new Promise((resolve) => socket.once("connect", resolve));

const socket = io(url, options);
socket.on("connect_error", () => {});
await connected(socket);
tell("transport", socket.io.engine.transport.name);
tell("ack", await socket.emitWithAck("add", 2, 3));
tell("own sid", (await socket.emitWithAck("who")) === socket.id);
tell("nested", await socket.emitWithAck("echo", { text: "ünïcode", list: [1, [null, true]], empty: {} }));
tell("bytes", [...(await socket.emitWithAck("echo", new Uint8Array([0, 1, 255])))]);
tell("error", await socket.emitWithAck("fail"));
tell("unknown", await socket.timeout(500).emitWithAck("no such event").catch((error) => error.message));

const other = io(url, options);
await connected(other);
const heard = new Promise((resolve) => other.once("said", resolve));
socket.emit("say", "hello");
const said = await heard;
tell("broadcast", [said.text, said.by === socket.id]);
other.disconnect();

const refused = io(url, { ...options, auth: { token: "wrong" } });
tell("refusal", await new Promise((resolve) => refused.once("connect_error", (error) => resolve(error.message))));
refused.disconnect();

socket.emit("slow", () => tell("slow", "answered"));
const left = new Promise((resolve) => socket.once("disconnect", (reason) => resolve([reason, socket.active])));
tell("ready", null);
tell("end", await left);
await connected(socket);
tell("again", await socket.emitWithAck("add", 1, 1));
// A poll that the server has not answered yet would keep Node here.
process.exit();
