// Keys of a page: an element with data-key="n" is clicked (or focused) by that key; `?` lists
// them by data-key-label or the element's own text. Keys rest while one types.
const typing = (element) =>
  element.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName);

const visible = (element) => element.offsetParent !== null;

function keyed() {
  return [...document.querySelectorAll("[data-key]")].filter(visible);
}

function press(element) {
  if (typing(element)) element.focus();
  else element.click();
}

function row(element) {
  const what = element.dataset.keyLabel ?? element.getAttribute("aria-label") ?? element.textContent;
  return line(element.dataset.key, what.trim());
}

function line(key, what) {
  const made = document.createElement("tr");
  const shown = document.createElement("kbd");
  shown.textContent = key;
  made.insertCell().append(shown);
  made.insertCell().textContent = what;
  return made;
}

// Keys that belong to no element of their own: data-keys='[["J", "Fila siguiente"], …]'.
function others() {
  const found = [...document.querySelectorAll("[data-keys]")].filter(visible);
  return found.flatMap(({ dataset }) => JSON.parse(dataset.keys)).map(([key, what]) => line(key, what));
}

function list() {
  const dialog = document.getElementById("keys");
  dialog?.querySelector("tbody").replaceChildren(...keyed().map(row), ...others());
  dialog?.showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "?") return list();
  const element = keyed().find(({ dataset }) => dataset.key.toLowerCase() === event.key.toLowerCase());
  if (!element) return;
  event.preventDefault();
  press(element);
});

document.addEventListener("click", ({ target }) => {
  if (target.closest?.("[data-open-keys]")) list();
  target.closest?.("[data-close]")?.closest("dialog")?.close();
  const opener = target.closest?.("[data-open]");
  if (opener) document.getElementById(opener.dataset.open)?.showModal();
});
