// The head of the page: the folder, the four totals, the banner.

import { $, bytes, count, plural, run } from "./tools.js";

export function folder(slice) {
  $("folder-name").textContent = slice.name;
  $("folder-path").textContent = slice.path;
  document.title = `${slice.name} · Specter demo`;
  $("total-files-note").textContent = slice.folders ? `in ${plural(slice.folders, "folder")}` : "";
  $("banner").textContent = warning(slice);
  $("banner").hidden = !warning(slice);
}

function warning({ alive, folders, truncated, files }) {
  if (!alive) return "The folder is not there any more. The demo waits for it to come back.";
  if (folders === 0) return "This user may not list the folder.";
  return truncated ? `This folder is large: the demo shows its first ${plural(files, "file")}.` : "";
}

export function totals(slice) {
  run($("total-files"), slice.files);
  run($("total-bytes"), slice.bytes, bytes);
  run($("total-lines"), slice.lines);
  $("total-bytes-note").textContent = slice.files ? `${bytes(slice.bytes / slice.files)} a file` : "";
  $("total-lines-note").textContent = slice.problems ? `${plural(slice.problems, "file")} not readable` : "every file was read";
}

export function changes(slice) {
  run($("total-changes"), slice.added + slice.modified + slice.deleted);
  $("count-added").textContent = `+${count(slice.added)}`;
  $("count-modified").textContent = `~${count(slice.modified)}`;
  $("count-deleted").textContent = `−${count(slice.deleted)}`;
}
