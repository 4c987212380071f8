// Everything shown on the page with this role, whose name is, or at least begins with, these words.
const [role, words] = arguments;
const selectors = {
  alert: "[role=alert]", button: "button, summary", dialog: "dialog[open]", heading: "h1, h2, h3",
  field: "input:not([type=hidden]), select, textarea", link: "a[href]", navigation: "nav", region: "section, form, fieldset",
};
const plain = (text) => text.replace(/\s+/g, " ").trim().toLowerCase();
// Text without what is only for the eye, and without what stands inside a field.
const spoken = (element) => {
  const copy = element.cloneNode(true);
  copy.querySelectorAll("[aria-hidden=true], select, textarea").forEach((part) => part.remove());
  return copy.textContent;
};
const named = (element) => {
  const by = element.getAttribute("aria-labelledby");
  if (element.ariaLabel) return element.ariaLabel;
  if (by) return by.split(" ").map((id) => spoken(document.getElementById(id))).join(" ");
  if (element.labels?.length) return spoken(element.labels[0]);
  return spoken(element);
};
const wanted = plain(words);
const shown = [...document.querySelectorAll(selectors[role])]
  .filter((element) => element.checkVisibility() && !element.closest("[aria-hidden=true]"));
const exact = shown.filter((element) => plain(named(element)) === wanted);
return exact.length ? exact : shown.filter((element) => plain(named(element)).startsWith(wanted));
