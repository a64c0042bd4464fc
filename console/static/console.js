// What pages can do better with JavaScript; all main tasks work without it.
(function () {
  "use strict";

  // Times are told in UTC; the visitor's own time stands in the title.
  function times(root) {
    for (const one of root.querySelectorAll("time[datetime]")) {
      const at = new Date(one.dateTime);
      if (!isNaN(at)) one.title = at.toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
    }
  }

  // A menu closes when the visitor goes on elsewhere.
  function menus(event) {
    for (const one of document.querySelectorAll("details.menu[open]")) {
      if (!one.contains(event.target) || event.key === "Escape") one.open = false;
    }
  }

  // A form says before it is left that something in it is not saved.
  let dirty = false;
  document.addEventListener("input", (event) => { if (event.target.closest("form[data-guarded]")) dirty = true; });
  document.addEventListener("submit", (event) => {
    const question = event.submitter && event.submitter.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
    else dirty = false;
  });
  window.addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });

  document.addEventListener("click", menus);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") menus(event); });
  document.addEventListener("DOMContentLoaded", () => times(document));
  document.addEventListener("htmx:load", (event) => times(event.target));
})();
