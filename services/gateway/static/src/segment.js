// The segment builder: keeps the form's definition and the live count in step with its rows.
import { criterion, group, read, show, tellChosen } from "./segment_rows.js";

const WAIT_MS = 350;
const form = document.querySelector("[data-segment]");
const root = form.querySelector("[data-root]");
const target = document.getElementById("segment-count");
const hidden = form.querySelector("[data-definition]");
const paths = new Map(); // path in the definition → the row it came from
let timer = null;
let running = null; // the one question whose answer still counts

const post = (address, definition, signal) =>
  fetch(address, {
    method: "POST",
    signal,
    headers: { "Content-Type": "application/json", "HX-Request": "true", "HX-Current-URL": location.href },
    body: JSON.stringify({ definition }),
  });

function changed() {
  const definition = read(root, paths);
  hidden.value = JSON.stringify(definition);
  document.querySelector("[data-definition-copy]").value = hidden.value;
  form.querySelector("[data-nothing]").hidden = root.querySelector("[data-row]") !== null;
  target.classList.add("is-stale");
  target.setAttribute("aria-busy", "true");
  clearTimeout(timer);
  running?.abort();
  timer = setTimeout(() => count(definition), WAIT_MS);
}

async function count(definition) {
  running = new AbortController();
  try {
    await told(await post(form.dataset.count, definition, running.signal));
  } catch (error) {
    if (error.name !== "AbortError") failed("No hay conexión con el servidor.");
  }
}

async function told(answer) {
  const address = answer.headers.get("HX-Redirect");
  if (address) return location.assign(address);
  const wrong = answer.status === 422 ? (await answer.json()).errors : [];
  showErrors(wrong);
  if (answer.ok) draw(await answer.text());
  else if (!wrong.length) failed("No se pudo contar. Cambie un criterio para intentar de nuevo.");
}

function draw(html) {
  target.classList.remove("is-stale");
  target.removeAttribute("aria-busy");
  window.htmx.swap(target, html, { swapStyle: "innerHTML" });
}

function failed(message) {
  setError(root, message);
}

// --- errors at their criterion ---

function showErrors(errors) {
  for (const place of root.parentElement.querySelectorAll("[data-error]")) place.hidden = true;
  for (const { field, message } of errors) setError(ownerOf(field), message);
}

function ownerOf(path) {
  const steps = path.split(".");
  while (steps.length && !paths.has(steps.join("."))) steps.pop();
  return paths.get(steps.join(".")) ?? root;
}

function setError(owner, message) {
  const place = [...owner.querySelectorAll("[data-error]")].find((item) => (item.closest("[data-row]") ?? root) === owner);
  place.textContent = message;
  place.hidden = false;
}

// --- what a person does ---

function add(select) {
  if (!select.value) return;
  const row = criterion({ field: select.value });
  select.closest("[data-row], [data-root]").querySelector("[data-rows]").append(row);
  select.value = "";
  row.querySelector("input, select:not([data-not])")?.focus();
}

function addGroup() {
  const card = group([]);
  root.querySelector("[data-rows]").append(card);
  card.querySelector("[data-add]").focus();
}

function narrow(input) {
  const wanted = plain(input.value);
  for (const label of input.nextElementSibling.children) label.hidden = !plain(label.textContent).includes(wanted);
}

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

root.addEventListener("input", ({ target: control }) => {
  if (control.matches("[data-narrow]")) return narrow(control);
  if (control.matches("[data-add]")) add(control);
  const row = control.closest("[data-row][data-field]");
  if (row) tellChosen(row);
  changed();
});

root.addEventListener("click", ({ target: clicked }) => {
  if (clicked.closest("[data-add-group]")) addGroup();
  else if (clicked.closest("[data-remove]")) clicked.closest("[data-row]").remove();
  else return;
  changed();
});

root.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("input")) event.preventDefault(); // not the form
});

async function describeDeep(row) {
  const answer = await post(form.dataset.describe, JSON.parse(row.dataset.definition));
  row.querySelector("[data-text]").textContent = answer.ok ? (await answer.json()).text : row.dataset.definition;
}

// After the form has come back from an expired session (drafts.js).
document.addEventListener("DOMContentLoaded", () => {
  show(root, JSON.parse(hidden.value));
  for (const row of root.querySelectorAll("[data-definition]")) describeDeep(row);
  changed();
});
