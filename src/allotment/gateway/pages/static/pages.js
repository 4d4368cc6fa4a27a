// What every page does: words in the reader's language, moments in his time zone, dialogs, sortable tables, notes.
// Every text is set as text, never as markup.
"use strict";

const allotment = (() => {
  const language = document.documentElement.lang;
  const words = JSON.parse(document.getElementById("script-words").textContent);
  const plural = new Intl.PluralRules(language);
  const FORMS = { one: 0, few: 1, many: 2, other: -1 };

  function filled(text, values) {
    return text.replace(/%\((\w+)\)s/g, (place, name) => (name in values ? String(values[name]) : place));
  }

  // A text in the reader's language; the English one is its name in the catalogue.
  function t(text, values = {}) {
    return filled(words[text] || text, values);
  }

  // A text that counts: %(num)s is the number.
  function nt(one, many, number, values = {}) {
    const forms = Array.isArray(words[one]) ? words[one] : [one, many];
    const at = FORMS[plural.select(number)];
    return filled(forms.at(at < forms.length ? at : -1), { ...values, num: new Intl.NumberFormat(language).format(number) });
  }

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  const SVG = "http://www.w3.org/2000/svg";
  const sprite = document.querySelector(".icon use")?.getAttribute("href").split("#")[0];

  function icon(name) {
    const made = document.createElementNS(SVG, "svg");
    made.setAttribute("class", "icon");
    made.setAttribute("aria-hidden", "true");
    const use = document.createElementNS(SVG, "use");
    use.setAttribute("href", `${sprite}#${name}`);
    made.append(use);
    return made;
  }

  // A note that a screen reader says and that goes away by itself.
  function note(text, tone = "") {
    const made = element("p", `toast ${tone}`, text);
    document.getElementById("toasts")?.append(made);
    setTimeout(() => made.remove(), 6000);
  }

  function localMoments(root) {
    const format = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
    for (const moment of root.querySelectorAll("time[data-moment]")) {
      moment.textContent = format.format(new Date(moment.dateTime));
      moment.removeAttribute("data-moment");
    }
  }

  const collator = new Intl.Collator(language, { numeric: true });

  function keyOf(row, at) {
    const cell = row.cells[at];
    return cell.dataset.value ?? cell.textContent.trim();
  }

  function sortBy(table, at, head) {
    const down = head.getAttribute("aria-sort") === "ascending";
    const rows = [...table.tBodies[0].rows];
    const isNumber = head.classList.contains("number");
    const compare = (a, b) => (isNumber ? Number(a) - Number(b) : collator.compare(a, b));
    rows.sort((a, b) => compare(keyOf(a, at), keyOf(b, at)) * (down ? -1 : 1));
    table.tBodies[0].append(...rows);
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
  }

  // Each heading becomes a button; cells of a number give it as data-value where they show it otherwise.
  function makeSortable(table) {
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      if (head.tagName !== "TH" || head.classList.contains("acts") || head.querySelector("button")) return;
      const button = element("button", "sort", head.textContent);
      button.type = "button";
      button.addEventListener("click", () => sortBy(table, at, head));
      head.replaceChildren(button);
    });
  }

  function enhance(root) {
    localMoments(root);
    for (const table of root.querySelectorAll("table[data-sortable]")) makeSortable(table);
    for (const button of root.querySelectorAll("[data-needless]")) button.hidden = true;
  }

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens).showModal();
    const closer = event.target.closest("[data-closes]");
    if (closer) closer.closest("dialog").close();
  });
  document.addEventListener("change", (event) => {
    event.target.form?.closest("[data-sends-itself]")?.requestSubmit();
  });
  // A second press of a button that sends a form does nothing.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method === "dialog") return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  // A page that comes back from the browser's cache may belong to somebody who signed out.
  window.addEventListener("pageshow", (event) => {
    for (const form of document.forms) delete form.dataset.sent;
    if (event.persisted && document.querySelector("meta[name=csrf-token]")) location.reload();
  });
  document.addEventListener("htmx:after:swap", (event) => {
    for (const form of document.forms) delete form.dataset.sent;
    enhance(event.target);
  });
  document.addEventListener("DOMContentLoaded", () => enhance(document));

  const csrf = document.querySelector("meta[name=csrf-token]")?.content;
  return { t, nt, element, icon, note, makeSortable, language, csrf };
})();
