// Lists: rows are gone through with J and K and marked with X or the mouse; what is marked can be
// acted on. The number of those marked stands in the bar and in the question before the action.
const table = () => document.querySelector("[data-list] table");
const rows = () => [...(table()?.querySelectorAll("[data-row]") ?? [])];
const mark = (row) => row.querySelector("input[name=ids]");
const marks = () => rows().map(mark).filter(Boolean);
const form = () => document.querySelector("[data-marked]");

const number = (count) => new Intl.NumberFormat("es-EC").format(count);

// --- through the rows ---

function step(by) {
  const all = rows();
  if (!all.length) return;
  const now = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[Math.min(Math.max(now + by, 0), all.length - 1)];
  (next.querySelector("[data-opens]") ?? next.querySelector("a, input"))?.focus();
  next.scrollIntoView({ block: "nearest" });
}

function turn() {
  const row = rows().find((one) => one.contains(document.activeElement));
  const box = row && mark(row);
  if (!box) return;
  box.checked = !box.checked;
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

const moves = { j: () => step(1), k: () => step(-1), x: turn };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !table()) return;
  const typing = event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
  const move = moves[event.key.toLowerCase()];
  if (typing || !move || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  move();
});

// --- what is marked ---

const everything = () => form()?.elements.todos;

function count() {
  if (everything()?.value) return Number(form().querySelector("[data-mark-matching]").dataset.markMatching);
  return marks().filter((box) => box.checked).length;
}

function show() {
  if (!form()) return;
  const marked = count();
  form().hidden = marked === 0;
  form().querySelector("[data-marked-count]").textContent = `Marcó ${named(marked)}`;
  const head = document.querySelector("[data-mark-all]");
  const checked = marks().filter((box) => box.checked).length;
  head.checked = checked > 0 && checked === marks().length;
  head.indeterminate = checked > 0 && !head.checked;
}

const named = (marked) => `${number(marked)} ${marked === 1 ? form().dataset.one : form().dataset.many}`;

function setAll(checked, matches = "") {
  for (const box of marks()) box.checked = checked;
  if (everything()) everything().value = matches;
  show();
}

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-mark-all]")) return setAll(target.checked);
  if (!target.matches("[data-row] input[name=ids]")) return;
  if (!target.checked && everything()) everything().value = "";
  show();
});

let last = null; // with the shift key, all between two clicks
document.addEventListener("click", (event) => {
  const box = event.target.closest?.("[data-row] input[name=ids]");
  if (box) {
    if (event.shiftKey && last) between(last, box);
    last = box;
  }
  if (event.target.closest?.("[data-mark-none]")) setAll(false);
  if (event.target.closest?.("[data-mark-matching]")) setAll(true, "1");
});

function between(one, other) {
  const boxes = marks();
  const [from, to] = [boxes.indexOf(one), boxes.indexOf(other)].sort((a, b) => a - b);
  if (from < 0) return;
  for (const box of boxes.slice(from, to + 1)) box.checked = other.checked;
  show();
}

// The question of each action names the number; confirm.js asks it.
document.addEventListener(
  "submit",
  ({ target, submitter }) => {
    if (!target.matches?.("[data-marked]") || target.dataset.confirmed) return;
    target.dataset.confirm = submitter.dataset.question.replace("{}", named(count()));
    target.dataset.confirmText = submitter.dataset.detail;
  },
  true,
);

// --- columns ---

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-move]");
  if (!button) return;
  const item = button.closest("li");
  if (button.dataset.move === "up") item.previousElementSibling?.before(item);
  else item.nextElementSibling?.after(item);
  button.focus();
});

// --- the search ---

// It is asked for while one types, and once for what stands there: leaving the field asks nothing.
const PAUSE = 250; // milliseconds
let waiting = null;
let asked = "";

const search = () => document.querySelector("[data-list-search]");
const written = () => new URLSearchParams(new FormData(search())).toString();

function narrow(pause) {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    if (written() !== asked) window.htmx.trigger(search(), "narrow");
  }, pause);
}

document.addEventListener("input", ({ target }) => {
  if (search()?.contains(target)) narrow(target.matches("select") ? 0 : PAUSE);
});

// Empty fields stay out of the address.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (!detail.elt.matches("[data-list-search]")) return;
  clearTimeout(waiting);
  asked = written();
  for (const [name, value] of [...detail.formData.entries()]) if (value === "") detail.formData.delete(name);
});

// After a search, files, dialogs and what is kept are of the new one.
document.addEventListener("htmx:pushedIntoHistory", () => {
  if (!document.querySelector("[data-list]")) return;
  const query = new URLSearchParams(window.location.search);
  query.delete("desde");
  for (const field of document.querySelectorAll("[data-query]")) field.value = query.toString();
  for (const field of document.querySelectorAll("[data-back]")) field.value = window.location.pathname + window.location.search;
  for (const link of document.querySelectorAll("[data-file-links] a")) {
    const address = new URL(link.href);
    const kept = [...query, ["formato", address.searchParams.get("formato")]];
    link.href = `${address.pathname}?${new URLSearchParams(kept)}`;
  }
});

// The browser may keep what was checked and typed.
window.addEventListener("pageshow", () => {
  show();
  if (search()) asked = written();
});
