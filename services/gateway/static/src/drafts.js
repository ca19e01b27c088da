// A form that meets an expired session comes back filled in: what was typed waits in this tab
// until the page is open again after the log-in. Passwords and files are never kept.
const KEY = "pregon-draft:";

document.addEventListener("submit", ({ target: form }) => {
  if (form.method !== "post" || !form.id) return;
  const kept = [...new FormData(form)].filter(
    ([name, value]) =>
      typeof value === "string" &&
      name !== "idempotency_key" &&
      form.elements[name]?.type !== "password",
  );
  sessionStorage.setItem(KEY + form.id, JSON.stringify({ page: location.pathname, kept }));
});

function restore(form, kept) {
  for (const [name, value] of kept) {
    for (const control of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (control.type === "checkbox" || control.type === "radio") control.checked ||= control.value === value;
      else control.value = value;
    }
  }
}

document.addEventListener("DOMContentLoaded", () => {
  const fromLogin = document.referrer && new URL(document.referrer).pathname === "/ingresar";
  for (const name of Object.keys(sessionStorage).filter((key) => key.startsWith(KEY))) {
    const { page, kept } = JSON.parse(sessionStorage.getItem(name));
    const form = document.getElementById(name.slice(KEY.length));
    if (fromLogin && form && page === location.pathname) restore(form, kept);
    if (location.pathname !== "/ingresar") sessionStorage.removeItem(name);
  }
});
