// What the administration's pages do with a keyboard and a clipboard. Without it every act is a form of its own.
"use strict";

(() => {
  const { t, note } = allotment;

  for (const button of document.querySelectorAll("[data-copies]")) button.hidden = !navigator.clipboard;

  async function copy(button) {
    try {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
      note(t("Copied."));
    } catch {
      note(t("It could not be copied. Mark it and copy it by hand."), "fault");
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copies]");
    if (button) copy(button);
  });

  const review = document.querySelector("[data-review]");
  if (!review) return;

  const pairs = () => [...review.querySelectorAll(".pair")];
  const choices = () => [...review.querySelectorAll("[data-choice]")];
  const all = document.querySelector("[data-chooses-all]");
  let leaving = null; // place of the pair that was just decided about

  function showChoice() {
    const chosen = choices().filter((box) => box.checked).length;
    for (const button of document.querySelectorAll("[data-needs-choice]")) button.disabled = chosen === 0;
    if (all) all.checked = chosen > 0 && chosen === choices().length;
  }

  function current() {
    return document.activeElement?.closest?.(".pair") || null;
  }

  function go(step) {
    const every = pairs();
    const place = every.indexOf(current());
    const next = every[Math.min(Math.max(place + step, 0), every.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  function press(key) {
    const pair = current();
    if (!pair) return go(1);
    if (key === "x") {
      const box = pair.querySelector("[data-choice]");
      box.checked = !box.checked;
      return showChoice();
    }
    const target = pair.querySelector(`[data-key="${key}"]`);
    target?.click();
    if (key === "e") pair.querySelector("details.edit textarea")?.focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest("input:not([type=checkbox]), textarea, select");
    if (typing) {
      if (event.key === "Escape") current()?.focus();
      return;
    }
    const key = event.key.toLowerCase();
    if (key === "j") go(1);
    else if (key === "k") go(-1);
    else if (["a", "r", "e", "x"].includes(key)) press(key);
    else return;
    event.preventDefault();
  });

  document.addEventListener("change", (event) => {
    if (event.target === all) for (const box of choices()) box.checked = all.checked;
    if (event.target === all || event.target.matches("[data-choice]")) showChoice();
  });

  review.addEventListener("submit", (event) => {
    const pair = event.target.closest(".pair");
    if (pair) leaving = pairs().indexOf(pair);
  });

  // The pair that was decided about is exchanged; the keyboard goes on to the one after it, or stays with a fault.
  document.addEventListener("htmx:after:swap", () => {
    showChoice();
    if (leaving === null) return;
    const every = pairs();
    const done = every[leaving];
    const next = done?.querySelector(".notice.fault") ? done : every[leaving + 1] || done;
    leaving = null;
    next?.focus();
  });

  showChoice();
})();
