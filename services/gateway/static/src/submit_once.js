// A form is sent once: a second click waits. The hidden idempotency key makes a repeat harmless
// even where the first answer was lost, so the form wakes up when the page is shown again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.classList.contains("is-sending")) {
    event.preventDefault();
    return;
  }
  form.classList.add("is-sending");
  event.submitter?.setAttribute("aria-busy", "true");
});

window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form.is-sending")) {
    form.classList.remove("is-sending");
    form.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
  }
});
