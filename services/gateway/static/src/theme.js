// Runs before the first paint: light, dark or as the system is, remembered on this device.
const KEY = "pregon-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function paint() {
  const chosen = localStorage.getItem(KEY) ?? "auto";
  const dark = chosen === "dark" || (chosen === "auto" && system.matches);
  document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
  document.documentElement.dataset.themeChoice = chosen;
  document.dispatchEvent(new Event("pregon:theme"));
}

paint();
system.addEventListener("change", paint);
document.addEventListener("click", (event) => {
  const choice = event.target.closest?.("[data-theme-choice]:not(html)");
  if (!choice) return;
  localStorage.setItem(KEY, choice.dataset.themeChoice);
  paint();
});
