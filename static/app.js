// Comfort only: every page works without this file.
(() => {
  "use strict";
  const dialog = document.getElementById("run-dialog");
  const bar = document.getElementById("connection");
  const here = () => location.pathname + location.search;
  // The address of the page itself, which a dialog may cover.
  let shown = here();

  // A new tab stays a new tab.
  document.addEventListener("click", (event) => {
    const modified = event.ctrlKey || event.metaKey || event.shiftKey;
    if (modified && event.target.closest("a[hx-get]")) event.stopPropagation();
  }, true);

  // The run in a dialog has the address of its page.
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (dialog && detail.target.id === "run-dialog-body" && !dialog.open) {
      history.pushState({ dialog: true }, "", detail.pathInfo.requestPath);
      dialog.showModal();
    }
  });
  dialog?.addEventListener("close", () => {
    if (history.state?.dialog) history.back();
  });
  document.addEventListener("htmx:pushedIntoHistory", () => { shown = here(); });
  // Before htmx hears of it: going back closes a dialog, everything else asks the server.
  window.addEventListener("popstate", (event) => {
    event.stopImmediatePropagation();
    if (dialog?.open) dialog.close();
    if (here() !== shown) location.reload();
  }, true);

  // A page that the browser kept shows what was, even to somebody who has logged out since.
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && ["run-live", "setup"].includes(event.detail.elt.id)) event.preventDefault();
  });

  const say = (text) => { bar.textContent = text; bar.hidden = !text; };
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, () => say("The connection to the service is lost. This page may be out of date."));
  }
  document.addEventListener("htmx:responseError", ({ detail }) => {
    say(`The service answered with an error (${detail.xhr.status}). Reload the page and try again.`);
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => { if (detail.successful) say(""); });

  // "3 hours ago" before times that say how fresh something is; alone where room is short.
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const relate = (root) => {
    for (const time of root.querySelectorAll("time[data-ago]")) {
      const seconds = (new Date(time.dateTime) - Date.now()) / 1000;
      const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units[3];
      const said = words.format(Math.round(seconds / size), unit);
      time.dataset.at ??= time.textContent;
      const at = document.createElement("small");
      at.textContent = time.title = time.dataset.at;
      time.replaceChildren(...(time.dataset.ago === "only" ? [said] : [said, " ", at]));
    }
  };
  const dress = (root) => {
    relate(root);
    for (const button of root.querySelectorAll(".copy")) button.hidden = false;
  };
  dress(document);
  document.addEventListener("htmx:load", ({ detail }) => dress(detail.elt));
  setInterval(() => relate(document), 60000);

  document.addEventListener("click", async ({ target }) => {
    const button = target.closest(".copy");
    if (!button) return;
    const copied = button.previousElementSibling;
    try {
      await navigator.clipboard.writeText(copied.textContent);
    } catch {
      // Over plain http browsers copy only what is selected.
      getSelection().selectAllChildren(copied);
      document.execCommand("copy");
    }
    button.textContent = document.getElementById("announce").textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });

  // Who comes back sees how things stand now.
  let left = Date.now();
  document.addEventListener("visibilitychange", () => {
    const long = Date.now() - left > 60000;
    left = Date.now();
    if (document.hidden || !long || !dialog || location.search) return;
    htmx.ajax("GET", `${document.querySelector(".brand a").pathname}fragments/run`, { swap: "none" });
  });
})();
