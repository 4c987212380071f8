// Comfort only: every page works without this file.
(() => {
  "use strict";
  const on = (event, act, first) => document.addEventListener(event, act, first);
  const dialog = document.getElementById("run-dialog");
  const here = () => location.pathname + location.search;
  // The page's own address, which a dialog may cover.
  let shown = here();

  // A new tab stays a new tab.
  on("click", (event) => {
    const modified = event.ctrlKey || event.metaKey || event.shiftKey;
    if (modified && event.target.closest("a[hx-get]")) event.stopPropagation();
  }, true);

  // A run in a dialog has its page's address.
  on("htmx:afterSwap", ({ detail }) => {
    if (detail.target.id === "run-dialog-body") {
      history[dialog.open ? "replaceState" : "pushState"]({ dialog: true }, "", detail.pathInfo.requestPath);
      if (!dialog.open) dialog.showModal();
    }
  });
  dialog?.addEventListener("close", () => {
    if (history.state?.dialog) history.back();
  });
  on("htmx:pushedIntoHistory", () => { shown = here(); });
  // Before htmx hears of it: going back closes a dialog, all else asks the server.
  window.addEventListener("popstate", (event) => {
    event.stopImmediatePropagation();
    if (dialog?.open) dialog.close();
    if (here() !== shown) location.reload();
  }, true);

  // A kept page is old, even after a logout.
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  on("htmx:beforeRequest", (event) => {
    if (document.hidden && ["run-live", "setup", "preview-live"].includes(event.detail.elt.id)) event.preventDefault();
  });

  const say = (text) => {
    for (const bar of document.querySelectorAll(".connection")) { bar.textContent = text; bar.hidden = !text; }
  };
  const lost = () => say("The connection to the service is lost. This page may be out of date.");
  on("htmx:sendError", lost);
  on("htmx:timeout", lost);
  on("htmx:responseError", ({ detail }) => {
    say(`The service answered with an error (${detail.xhr.status}). Reload the page and try again.`);
  });
  on("htmx:afterRequest", ({ detail }) => { if (detail.successful) say(""); });

  // "3 hours ago" before times that say how fresh something is.
  const words = new Intl.RelativeTimeFormat("en");
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
  on("htmx:load", ({ detail }) => dress(detail.elt));
  setInterval(() => relate(document), 60000);

  on("click", async ({ target }) => {
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
    for (const place of [button, ...document.querySelectorAll(".announce")]) place.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });

  // Who comes back sees the present.
  let left = Date.now();
  on("visibilitychange", () => {
    const long = Date.now() - left > 60000;
    left = Date.now();
    if (document.hidden || !long || !dialog) return;
    htmx.ajax("GET", `${document.querySelector(".brand a").pathname}fragments/run`, { swap: "none", source: "#history-page" });
  });
})();
