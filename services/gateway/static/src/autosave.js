// <textarea data-autosave="/ruta"> is posted as `name=value` a moment after the last key, and its
// neighbour .autosave-state says what became of it.
const PAUSE = 800;
const timers = new WeakMap();

function tell(area, text) {
  const state = area.parentElement.querySelector(".autosave-state");
  if (state) state.textContent = text;
}

async function save(area) {
  tell(area, "Guardando…");
  try {
    const answer = await fetch(area.dataset.autosave, {
      method: "POST",
      headers: { "HX-Request": "true" },
      body: new URLSearchParams({ [area.name]: area.value }),
    });
    const away = answer.headers.get("HX-Redirect");
    if (away) location.assign(away);
    else tell(area, answer.ok ? "Guardado" : "No se guardó. Revise la conexión y siga escribiendo.");
  } catch {
    tell(area, "Sin conexión. Se guardará al seguir escribiendo.");
  }
}

document.addEventListener("input", ({ target }) => {
  if (!target.dataset?.autosave) return;
  tell(target, "");
  clearTimeout(timers.get(target));
  timers.set(target, setTimeout(() => save(target), PAUSE));
});
