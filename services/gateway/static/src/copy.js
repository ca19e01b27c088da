// A button with data-copy="text" puts it on the clipboard and says so.
document.addEventListener("click", async ({ target }) => {
  const button = target.closest?.("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.title = "Copiado";
});
