// Drives Chromium for `npm.Browser`: one command a line on stdin, one answer a line on stdout.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";

const [packages, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(`${packages}/package.json`)("playwright-core");
const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
  ],
});
let page = await browser.newPage();
let errors = [];
let requests = [];

const commands = {
  async open({ url, options }) {
    await page.close();
    [errors, requests] = [[], []];
    page = await browser.newPage(options);
    page.setDefaultTimeout(15000);
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("dialog", (dialog) => { errors.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on("request", (request) => requests.push(request.url()));
    page.on("websocket", (socket) => requests.push(socket.url()));
    await page.goto(url);
  },
  run: ({ script }) => page.evaluate(script),
  // Not Playwright's own wait: it makes a function of the text in the page, which the page's policy forbids.
  async wait({ script }) {
    for (const end = Date.now() + 15000; !(await page.evaluate(script)); await setTimeout(50)) {
      if (Date.now() > end) throw new Error(`not true for 15 s; the page shows ${await page.innerText("body")}`);
    }
  },
  click: ({ selector }) => page.click(selector),
  async type({ selector, text, then }) {
    await page.fill(selector, text);
    await page.press(selector, then);
  },
  errors: () => errors,
  requests: () => requests,
  screenshot: ({ path }) => page.screenshot({ path, fullPage: true }).then(() => null),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...values } = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await commands[name](values)) ?? null };
  } catch (error) {
    answer = { error: `${name} ${JSON.stringify(values)}: ${error.message}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
