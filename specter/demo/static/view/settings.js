// The settings: each change is sent whole, and the server's Schema has the last word.

import { $, el } from "./tools.js";

const ALGORITHMS = ["sha256", "blake2b", "sha1", "md5"];
let current = null;

export function settings(slice) {
  current = slice;
  for (const input of document.querySelectorAll("#algorithm input")) input.checked = input.value === slice.algorithm;
  if (document.activeElement !== $("pause")) $("pause").value = slice.pause;
  $("pause-value").textContent = `${slice.pause} ms`;
  $("patterns").replaceChildren(...slice.ignore.map(chip));
}

function chip(pattern) {
  const button = el("button", "", "×");
  button.type = "button";
  button.setAttribute("aria-label", `Stop ignoring ${pattern}`);
  button.addEventListener("click", () => {
    save({ ignore: current.ignore.filter((other) => other !== pattern) });
    $("pattern").focus();
  });
  return el("li", "", pattern, button);
}

async function save(change) {
  if (!current) return;
  const body = JSON.stringify({ ...current, ...change });
  let errors = {};
  try {
    const response = await fetch("/api/settings", { method: "PUT", headers: { "Content-Type": "application/json" }, body });
    const answer = await response.json();
    if (response.ok) settings(answer);
    else errors = answer.errors ?? { ignore: answer.error };
  } catch {
    errors = { ignore: "the server does not answer" };
  }
  show(errors);
}

function show(errors) {
  for (const field of ["algorithm", "pause", "ignore"]) {
    // A nested field has a dotted name, such as ignore.3.
    const name = Object.keys(errors).find((key) => key.split(".")[0] === field);
    $(`error-${field}`).textContent = name ? errors[name] : "";
    $(`error-${field}`).hidden = !name;
  }
  $("saved").textContent = Object.keys(errors).length ? "" : "Saved";
  setTimeout(() => { $("saved").textContent = ""; }, 2000);
}

for (const algorithm of ALGORITHMS) {
  const input = el("input");
  Object.assign(input, { type: "radio", name: "algorithm", value: algorithm });
  input.addEventListener("change", () => save({ algorithm }));
  $("algorithm").append(el("label", "", input, algorithm));
}
$("pause").addEventListener("input", () => { $("pause-value").textContent = `${$("pause").value} ms`; });
$("pause").addEventListener("change", () => save({ pause: Number($("pause").value) }));
$("pattern").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  const pattern = $("pattern").value.trim();
  if (!pattern || !current) return;
  $("pattern").value = "";
  save({ ignore: [...current.ignore.filter((other) => other !== pattern), pattern] });
});
$("settings").addEventListener("submit", (event) => event.preventDefault());
