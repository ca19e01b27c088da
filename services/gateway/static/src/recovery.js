// What the page was told when a part of it could not be asked goes away when that part answers
// again: a progress that asks every second would leave it standing until the page is reloaded.
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const notices = document.getElementById("notices");
  if (!notices) return;
  const path = detail.pathInfo.requestPath;
  if (detail.xhr.status >= 400) {
    notices.dataset.failed = path;
  } else if (detail.successful && notices.dataset.failed === path) {
    delete notices.dataset.failed;
    notices.replaceChildren();
  }
});
