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
  function unsaved(root) { if (root.querySelector && root.querySelector("[data-unsaved]")) dirty = true; }
  document.addEventListener("click", (event) => { if (event.target.closest("[data-leave]")) dirty = false; });
  window.addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });

  // Actions are dragged to their place; the buttons beside them do the same for everybody.
  let dragged = null;
  const dropAt = (event) => dragged && (event.target.closest(".step[data-place]") || event.target.closest("ol[data-lane]"));
  const unmark = () => { for (const one of document.querySelectorAll(".over")) one.classList.remove("over"); };
  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest && event.target.closest(".step[data-place]");
    if (!dragged) return;
    dragged.classList.add("dragged");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.place);
  });
  document.addEventListener("dragover", (event) => {
    const place = dropAt(event);
    unmark();
    if (place) { event.preventDefault(); place.classList.add("over"); }
  });
  document.addEventListener("dragend", () => { if (dragged) dragged.classList.remove("dragged"); dragged = null; unmark(); });
  document.addEventListener("drop", (event) => {
    const place = dropAt(event), form = dragged && dragged.closest("form"), button = form && form.querySelector("[data-move]");
    if (!place || !button || place === dragged) return;
    event.preventDefault();
    const from = dragged.dataset.place;
    let to = place.dataset.place || place.dataset.lane + ":" + place.querySelectorAll(".step").length;
    if (!place.dataset.place && place.contains(dragged)) to = place.dataset.lane + ":" + (place.querySelectorAll(".step").length - 1);
    if (to === from) return;
    button.value = "move:" + from + ":" + to;
    button.click();
  });

  // Whoever moves an action by the keyboard stays with it, also where it cannot go further.
  let pressed = "";
  document.addEventListener("click", (event) => { const one = event.target.closest("button[name=do]"); pressed = one ? one.id : ""; });
  document.addEventListener("htmx:afterSettle", () => {
    const one = pressed && document.getElementById(pressed), step = one && one.closest(".step");
    if (!step || !one.disabled) return;
    const other = step.querySelector(".tools button:not([disabled])");
    if (other) other.focus();
  });

  // Pages that show what happens now hear when there is something new, and ask for it.
  function live(root) {
    const place = root.querySelector("[data-live]");
    if (!place || !window.EventSource || !window.htmx) return;
    const source = new EventSource(place.dataset.live), state = document.getElementById("live-state");
    const tell = (text) => { if (state) { state.hidden = false; state.textContent = text; } };
    let owed = false;
    const refresh = () => { if (document.hidden) owed = true; else { owed = false; htmx.trigger(place, "refresh"); } };
    source.onopen = () => tell("Live");
    source.onerror = () => tell(source.readyState === EventSource.CLOSED ? "Not live: reload to see what is new" : "Connecting …");
    source.addEventListener("changed", refresh);
    document.addEventListener("visibilitychange", () => { if (owed) refresh(); });
    window.addEventListener("pagehide", () => source.close());
  }

  document.addEventListener("click", menus);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") menus(event); });
  document.addEventListener("DOMContentLoaded", () => { times(document); live(document); unsaved(document); });
  document.addEventListener("htmx:load", (event) => { times(event.target); unsaved(event.target); });
})();
