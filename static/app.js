// Comfort only: every page works without this file.
(() => {
  "use strict";
  const dialog = document.getElementById("run-dialog");
  const bar = document.getElementById("connection");
  const here = () => location.pathname + location.search;
  // The address of the page itself, which a dialog covers for a while.
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
  // Before htmx hears of it: going back from a dialog closes it, everything else asks the server.
  window.addEventListener("popstate", (event) => {
    event.stopImmediatePropagation();
    if (dialog?.open) dialog.close();
    if (here() !== shown) location.reload();
  }, true);

  // A page that the browser kept shows what was, even to somebody who has logged out since.
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  // Nobody looks: do not ask.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && ["preview-live", "run-live", "setup"].includes(event.detail.elt.id)) event.preventDefault();
  });

  const say = (text) => { bar.textContent = text; bar.hidden = !text; };
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, () => say("The connection to the service is lost. This page may be out of date."));
  }
  document.addEventListener("htmx:responseError", ({ detail }) => {
    say(`The service answered with an error (${detail.xhr.status}). Reload the page and try again.`);
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => { if (detail.successful) say(""); });

  // "(3 hours ago)" behind the times that say how fresh something is.
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const relate = (root) => {
    for (const time of root.querySelectorAll("time[data-ago]")) {
      const seconds = (new Date(time.dateTime) - Date.now()) / 1000;
      const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units[3];
      time.title = time.title || time.textContent;
      time.textContent = `${time.title} (${words.format(Math.round(seconds / size), unit)})`;
    }
  };
  relate(document);
  document.addEventListener("htmx:load", ({ detail }) => relate(detail.elt));
  setInterval(() => relate(document), 60000);
})();
