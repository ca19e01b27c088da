// Rows of criteria ⇄ a definition. A row knows its place in the definition last read, so that an
// error, which names a path, finds its row.
const template = (selector) => document.querySelector(`template${selector}`)?.content.firstElementChild;
const fieldTemplate = (field) => document.querySelector(`template[data-criterion="${CSS.escape(field)}"]`);

const groupOf = (node) => ["all", "any"].find((kind) => Array.isArray(node?.[kind]));
const unwrapped = (node) => (node && "not" in node ? { not: true, inner: node.not } : { not: false, inner: node });
const wrapped = (node, not) => (not ? { not: node } : node);

// --- from a definition ---

export function show(root, definition) {
  const { not, inner } = unwrapped(definition);
  const kind = groupOf(inner);
  const parts = kind ? inner[kind] : [definition];
  setHead(root, kind ?? "all", Boolean(kind) && not);
  root.querySelector("[data-rows]").replaceChildren(...parts.map((part) => rowOf(part, true)));
}

function setHead(element, kind, not) {
  element.querySelector("[data-group-kind]").value = kind;
  element.querySelector("[data-not]").checked = not;
}

function rowOf(part, mayBeGroup) {
  const { not, inner } = unwrapped(part);
  if (isShown(inner)) return criterion(inner, not);
  const kind = groupOf(inner);
  if (mayBeGroup && kind && inner[kind].every((item) => isShown(unwrapped(item).inner))) return group(inner[kind], kind, not);
  return deep(part);
}

function isShown(leaf) {
  const known = typeof leaf?.field === "string" && fieldTemplate(leaf.field);
  if (!known) return false;
  if (!["choice", "numbers"].includes(known.dataset.kind)) return true;
  return chosenOf(leaf).every((value) => known.content.querySelector(`input[value="${CSS.escape(String(value))}"]`));
}

const chosenOf = (leaf) => leaf.in ?? ("is" in leaf ? [leaf.is] : []);

export function criterion(leaf, not = false) {
  const found = fieldTemplate(leaf.field);
  const row = found.content.firstElementChild.cloneNode(true);
  row.dataset.kind = found.dataset.kind;
  row.querySelector("[data-not]").value = not ? "not" : "";
  FILL[row.dataset.kind](row, leaf);
  tellChosen(row);
  return row;
}

function fillChosen(row, leaf) {
  const chosen = chosenOf(leaf).map(String);
  for (const box of row.querySelectorAll("input[type=checkbox][value]")) box.checked = chosen.includes(box.value);
  if (chosen.length) row.querySelector("details")?.removeAttribute("open");
}

const FILL = {
  choice: fillChosen,
  numbers: fillChosen,
  range(row, leaf) {
    const range = leaf.between ?? ("is" in leaf ? [leaf.is, leaf.is] : null);
    if (range) [row.querySelector("[data-low]").value, row.querySelector("[data-high]").value] = range;
  },
  flag: (row, leaf) => (row.querySelector("[data-flag]").value = String(leaf.is ?? true)),
  codes: (row, leaf) => (row.querySelector("[data-codes]").value = chosenOf(leaf).join(", ")),
};

export function tellChosen(row) {
  const summary = row.querySelector("[data-chosen]");
  if (!summary) return;
  const names = [...row.querySelectorAll("input:checked")].map((box) => box.closest("label").textContent.trim());
  summary.textContent = names.length ? names.join(", ") : "Elegir…";
}

export function group(parts, kind = "any", not = false) {
  const card = template("[data-group]").cloneNode(true);
  card.classList.add("m-2");
  card.dataset.kind = "group";
  setHead(card, kind, not);
  card.querySelector("[data-rows]").append(...parts.map((part) => rowOf(part, false)));
  return card;
}

function deep(part) {
  const row = template("[data-deep]").cloneNode(true);
  row.dataset.kind = "deep";
  row.dataset.definition = JSON.stringify(part);
  return row;
}

// --- to a definition ---

export function read(root, paths) {
  paths.clear();
  return readGroup(root, "definition", paths);
}

function readGroup(element, path, paths) {
  paths.set(path, element);
  const kind = element.querySelector("[data-group-kind]").value;
  const not = element.querySelector("[data-not]").checked;
  const inner = `${path}${not ? ".not" : ""}.${kind}`;
  const rows = [...element.querySelector("[data-rows]").children];
  return wrapped({ [kind]: rows.map((row, index) => readRow(row, `${inner}.${index}`, paths)) }, not);
}

function readRow(row, path, paths) {
  paths.set(path, row);
  if (row.dataset.kind === "group") return readGroup(row, path, paths);
  if (row.dataset.kind === "deep") return JSON.parse(row.dataset.definition);
  const leaf = { field: row.dataset.field, ...READ[row.dataset.kind](row) };
  return wrapped(leaf, row.querySelector("[data-not]").value === "not");
}

const checked = (row) => [...row.querySelectorAll("input[type=checkbox]:checked")].map((box) => box.value);
const number = (input) => (input.value === "" ? null : Number(input.value));

const READ = {
  choice: (row) => ({ in: checked(row) }),
  numbers: (row) => ({ in: checked(row).map(Number) }),
  range: (row) => ({ between: [number(row.querySelector("[data-low]")), number(row.querySelector("[data-high]"))] }),
  flag: (row) => ({ is: row.querySelector("[data-flag]").value === "true" }),
  codes: (row) => ({ in: row.querySelector("[data-codes]").value.split(",").map((code) => code.trim()).filter(Boolean) }),
};
