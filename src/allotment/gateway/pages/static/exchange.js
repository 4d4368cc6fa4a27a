// One question with its answer, from the first step to the buttons under it.
"use strict";

const messages = document.getElementById("messages");
const scroller = document.getElementById("scroll");
const chat = document.getElementById("chat");

const STEPS = ["checking", "routing", "authorizing", "answering", "releasing"];

const Exchange = (() => {
  const { t, element, icon, markdown, table, origin } = allotment;
  const NEAR_END = 120;

  function words(step, means, agent) {
    const told = {
      checking: t("Checking the question"),
      routing: t("Choosing an agent"),
      authorizing: t("Confirming your access"),
      answering: means === "account" ? t("Asking the database") : t("Writing the answer"),
      releasing: t("Checking the answer"),
    }[step];
    return agent ? `${told} · ${agent}` : told;
  }

  function outcomeWords(outcome) {
    return { refused: t("Not something I may answer"), unknown: t("Not known here"), failed: t("That did not work") }[outcome];
  }

  function button(symbol, name, act) {
    const made = element("button", "button quiet small");
    made.type = "button";
    made.append(icon(symbol), name);
    made.addEventListener("click", act);
    return made;
  }

  function atEnd() {
    return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END;
  }

  return class {
    constructor(question, { again, edited }) {
      this.question = question;
      this.again = again;
      this.agent = null;
      this.text = "";
      this.waiting = new Map();
      this.root = element("article", "exchange");
      this.body = element("div", "answer");
      this.prose = element("div", "prose answer-text");
      this.prose.hidden = true;
      this.body.append(this.prose);
      this.progress = element("div", "progress");
      this.label = element("span", "", t("Checking the question"));
      this.label.setAttribute("role", "status");
      this.track = element("span", "progress-track");
      this.track.setAttribute("aria-hidden", "true");
      this.track.append(...STEPS.map((_, i) => element("i", i ? "" : "now")));
      this.progress.append(this.track, this.label);
      this.root.append(this.heading(edited), this.body, this.progress);
      messages.append(this.root);
      // A screen reader hears the answer once, when it is whole, not word by word.
      messages.setAttribute("aria-busy", "true");
      this.toEnd();
    }

    heading(edited) {
      const head = element("div", "question-row");
      const edit = button("edit", element("span", "visually-hidden", t("Edit and ask again")), () => this.edit(head, edited));
      edit.classList.add("icon-only");
      edit.title = t("Edit and ask again");
      head.append(element("h2", "question", this.question), edit);
      return head;
    }

    edit(head, edited) {
      const form = element("form", "edit");
      const field = element("textarea");
      field.value = this.question;
      field.rows = Math.min(8, this.question.split("\n").length + 1);
      field.setAttribute("aria-label", t("Your question"));
      const acts = element("div", "acts");
      const send = element("button", "button primary small", t("Ask"));
      const cancel = element("button", "button quiet small", t("Cancel"));
      cancel.type = "button";
      acts.append(send, cancel);
      form.append(field, acts);
      const close = () => {
        form.replaceWith(head);
        head.querySelector("button").focus();
      };
      cancel.addEventListener("click", close);
      field.addEventListener("keydown", (event) => {
        if (event.key === "Escape") close();
        if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        form.requestSubmit();
      });
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        if (!field.value.trim() || !edited(field.value.trim())) return;
        form.replaceWith(head);
      });
      head.replaceWith(form);
      field.focus();
    }

    step({ name, agent, means }) {
      const at = STEPS.indexOf(name);
      this.agent = agent || this.agent;
      [...this.track.children].forEach((mark, i) => { mark.className = i < at ? "done" : i === at ? "now" : ""; });
      this.label.textContent = words(name, means, this.agent);
    }

    // Blocks from one on, as they are now. Many may come between two frames; only the last of them are built.
    write({ from, blocks }) {
      for (const at of [...this.waiting.keys()]) if (at >= from) this.waiting.delete(at);
      blocks.forEach((block, i) => this.waiting.set(from + i, block));
      this.end = from + blocks.length;
      this.frame ||= requestAnimationFrame(() => this.draw());
    }

    draw() {
      this.frame = 0;
      const follows = atEnd();
      this.prose.hidden = false;
      for (const [at, block] of [...this.waiting].sort(([a], [b]) => a - b)) {
        const made = markdown.build(block);
        if (this.prose.childNodes[at]) this.prose.childNodes[at].replaceWith(made);
        else this.prose.append(made);
      }
      this.waiting.clear();
      while (this.prose.childNodes.length > this.end) this.prose.lastChild.remove();
      if (follows) this.toEnd();
    }

    finish(answer, { quiet = false } = {}) {
      if (this.frame) cancelAnimationFrame(this.frame);
      const follows = atEnd();
      this.answer = answer;
      this.text = answer.text;
      this.progress.remove();
      this.root.classList.add(answer.outcome);
      this.prose.hidden = false;
      this.prose.replaceChildren(...(answer.blocks || [["p", {}, [answer.text]]]).map(markdown.build));
      if (outcomeWords(answer.outcome)) this.prose.prepend(element("p", "outcome", outcomeWords(answer.outcome)));
      this.rows(answer);
      if (answer.places?.length) this.body.append(this.places(answer.places));
      if (["refused", "unknown"].includes(answer.outcome)) this.offer(answer);
      this.foot(answer);
      messages.removeAttribute("aria-busy");
      if (follows && !quiet) this.toEnd();
    }

    rows({ table: rows, record }) {
      if (!rows) return;
      const built = table.build(rows, `rows-${record ?? "answer"}.csv`);
      if (rows.rows.length > 1) this.body.append(built);
      else this.hidden = built;
    }

    places(places) {
      const section = element("section", "places");
      section.append(element("h3", "", t("Not an answer, but places to look")), origin.passages(places));
      return section;
    }

    // What one may do instead: the user's own agents, and no others.
    offer({ agent }) {
      const others = [...document.querySelectorAll("#agent option[data-about]")].filter((one) => one.value !== agent);
      if (!others.length) return;
      const section = element("section", "instead");
      section.append(element("h3", "", t("You may ask instead")));
      const acts = element("div", "acts");
      for (const one of others) {
        const ask = button("chat", one.value, () => this.again(this.question, one.value));
        ask.classList.replace("quiet", "plain");
        ask.title = one.dataset.about;
        acts.append(ask);
      }
      section.append(acts);
      this.body.append(section);
    }

    foot(answer) {
      const acts = element("div", "acts answer-acts");
      if (this.text) acts.append(markdown.copyButton(() => this.text, t("Copy")));
      acts.append(button("again", t("Ask again"), () => this.again(this.question)));
      if (answer.record && chat.dataset.feedback) acts.append(...allotment.feedback.buttons(answer));
      if (answer.agent) acts.append(element("span", "by", answer.agent));
      this.body.append(acts);
      if (answer.record || answer.explanation?.length) this.body.append(origin.build(answer, chat.dataset.role, this.hidden));
    }

    fail(text, { signIn = false } = {}) {
      this.finish({ outcome: "failed", text });
      if (!signIn) return;
      const link = element("a", "button primary small", t("Sign in"));
      link.href = "/login";
      this.prose.append(link);
    }

    stopped() {
      if (this.frame) this.draw();
      this.progress.remove();
      this.root.classList.add("stopped");
      this.body.append(element("p", "hint", t("Stopped.")));
      const acts = element("div", "acts answer-acts");
      acts.append(button("again", t("Ask again"), () => this.again(this.question)));
      this.body.append(acts);
      messages.removeAttribute("aria-busy");
    }

    toEnd() {
      if (this.root.isConnected) scroller.scrollTop = scroller.scrollHeight;
    }
  };
})();
