// <form data-confirm="¿Eliminar?" data-confirm-text="…"> asks in a dialog before it is sent. Its
// buttons say what they do: as the form's own or data-confirm-yes does, and data-confirm-no.
const dialog = () => document.getElementById("confirm");
let waiting = null;

document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    if (!form.dataset.confirm || form.dataset.confirmed || !dialog()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(form, event.submitter);
  },
  true,
);

function ask(form, submitter) {
  waiting = { form, submitter };
  dialog().querySelector("[data-title]").textContent = form.dataset.confirm;
  dialog().querySelector("[data-text]").textContent = form.dataset.confirmText ?? "";
  const { confirmYes, confirmNo } = form.dataset;
  dialog().querySelector("[value=yes]").textContent = confirmYes ?? (submitter?.textContent.trim() || "Continuar");
  dialog().querySelector("[value=no]").textContent = confirmNo ?? "Volver";
  dialog().returnValue = "";
  dialog().showModal();
}

document.addEventListener(
  "close",
  (event) => {
    if (event.target !== dialog() || dialog().returnValue !== "yes" || !waiting) return;
    waiting.form.dataset.confirmed = "yes";
    waiting.form.requestSubmit(waiting.submitter);
    delete waiting.form.dataset.confirmed;
  },
  true,
);
