// Builds the tree a server made of Markdown: elements of a short list, and text. Whatever else it names is not built.
"use strict";

allotment.markdown = (() => {
  const { t, element, icon, note } = allotment;
  const ELEMENTS = new Set([
    "p", "ul", "ol", "li", "blockquote", "em", "strong", "s", "br", "hr", "code", "span",
    "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td",
  ]);
  const CLASSES = new Set(["number", "middle", "address"]);

  async function copied(button, text) {
    try {
      await navigator.clipboard.writeText(text);
      note(t("Copied"));
    } catch {
      note(t("Copying did not work. Select the text and copy it by hand."), "fault");
    }
    button.focus();
  }

  function copyButton(text, words) {
    const button = element("button", "button quiet small copy");
    button.type = "button";
    button.append(icon("copy"), words);
    button.addEventListener("click", () => copied(button, text()));
    return button;
  }

  function code(language, text) {
    const frame = element("div", "code");
    const head = element("div", "code-head");
    head.append(element("span", "", language || t("Text")), copyButton(() => text, t("Copy")));
    const body = element("pre");
    body.tabIndex = 0;
    body.append(element("code", "", text));
    frame.append(head, body);
    return frame;
  }

  function framed(table) {
    const frame = element("div", "table-frame");
    frame.tabIndex = 0;
    frame.setAttribute("role", "region");
    frame.setAttribute("aria-label", t("Table"));
    frame.append(table);
    return frame;
  }

  function build(node) {
    if (typeof node === "string") return document.createTextNode(node);
    const [name, attributes, inside] = node;
    if (name === "pre") return code(attributes.language, inside.join(""));
    if (!ELEMENTS.has(name)) return document.createTextNode("");
    const made = document.createElement(name);
    if (CLASSES.has(attributes.class)) made.className = attributes.class;
    if (name === "ol" && Number.isInteger(attributes.start)) made.start = attributes.start;
    made.append(...inside.map(build));
    return name === "table" ? framed(made) : made;
  }

  return { build, copyButton };
})();
