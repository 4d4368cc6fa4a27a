// A document's page: goes to the passage that was looked for, and marks the sentence the link named.
"use strict";

(() => {
  const wanted = document.querySelector(".passage.wanted");
  const back = document.querySelector("[data-back]");
  back?.addEventListener("click", (event) => {
    if (history.length < 2 || !document.referrer.startsWith(location.origin)) return;
    event.preventDefault();
    history.back();
  });
  if (!wanted) return;
  wanted.scrollIntoView({ block: "center" });
  wanted.focus({ preventScroll: true });

  // The sentence stands behind the "#" and is sent to nobody. It is looked for by its letters and digits alone, for the
  // text is shown without the marks of its format.
  const NOT_TOLD = /[^\p{L}\p{N}]+/gu;
  let quote = "";
  try {
    quote = decodeURIComponent(location.hash.replace(/^#quote=/, "")).replace(NOT_TOLD, "");
  } catch {
    return; // somebody cut the address off
  }
  if (!quote || !window.Highlight) return;
  const places = [];
  const walker = document.createTreeWalker(wanted, NodeFilter.SHOW_TEXT);
  let text = "";
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (let at = 0; at < node.data.length; at += 1) {
      if (/[^\p{L}\p{N}]/u.test(node.data[at])) continue;
      text += node.data[at];
      places.push([node, at]);
    }
  }
  const first = text.indexOf(quote);
  if (first < 0) return;
  const range = new Range();
  range.setStart(...places[first]);
  const [node, at] = places[first + quote.length - 1];
  range.setEnd(node, at + 1);
  CSS.highlights.set("quote", new Highlight(range));
})();
