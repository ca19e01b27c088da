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
  const line = document.createElement("tr");
  const key = document.createElement("kbd");
  key.textContent = element.dataset.key;
  const what = element.dataset.keyLabel ?? element.getAttribute("aria-label") ?? element.textContent;
  line.insertCell().append(key);
  line.insertCell().textContent = what.trim();
  return line;
}

function list() {
  const dialog = document.getElementById("keys");
  dialog?.querySelector("tbody").replaceChildren(...keyed().map(row));
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
