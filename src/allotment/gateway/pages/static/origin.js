// Where an answer comes from: folded under it, complete once opened.
"use strict";

allotment.origin = (() => {
  const { t, element, icon, language } = allotment;
  const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
  const seconds = new Intl.NumberFormat(language, { style: "unit", unit: "second", maximumFractionDigits: 1 });

  function part(title, ...content) {
    const section = element("section");
    section.append(element("h3", "", title), ...content);
    return section;
  }

  function link(address, words) {
    const made = element("a", "", words);
    made.href = address;
    return made;
  }

  // Only our own page of documents is ever linked to.
  function documentLink(address, words, quote = "") {
    if (!address?.startsWith("/document?")) return element("span", "", words);
    return link(quote ? `${address}#quote=${encodeURIComponent(quote)}` : address, words);
  }

  function passages(sources) {
    const list = element("ul", "passages");
    for (const { document: name, heading, quote, link: address } of sources) {
      const item = element("li");
      item.append(element("blockquote", "", quote));
      const where = element("p", "where");
      where.append(documentLink(address, heading ? `${name} › ${heading}` : name, quote));
      item.append(where);
      list.append(item);
    }
    return list;
  }

  function statement(pieces) {
    const made = element("pre", "sql");
    made.tabIndex = 0;
    const inside = element("code");
    for (const [kind, text] of pieces) inside.append(kind ? element("span", `sql-${kind}`, text) : text);
    made.append(inside);
    return made;
  }

  function meansWords(agent, means) {
    return means === "account" ? t("%(agent)s, from its database", { agent }) : t("%(agent)s, from what it learnt", { agent });
  }

  function reason({ agent, means, score, by }) {
    if (by === "user") return t("You chose %(agent)s.", { agent });
    if (by === "role") return t("%(agent)s is the only agent of your role.", { agent });
    if (by === "conversation") return t("The question follows an earlier one, which %(agent)s answers.", { agent });
    return t("The question comes closest to %(first)s: %(score)s.", { first: meansWords(agent, means), score: percent.format(score) });
  }

  function routingWords(routing) {
    const told = [reason(routing)];
    if (routing.asked) told.push(t("It was asked as: %(question)s", { question: routing.asked }));
    if (routing.runner_up_score !== null) {
      const next = meansWords(routing.runner_up, routing.runner_up_means);
      told.push(t("Next was %(next)s: %(score)s.", { next, score: percent.format(routing.runner_up_score) }));
    }
    if (routing.by === "examples") told.push(t("Only agents you may ask were compared."));
    return told;
  }

  function facts(answer, role) {
    const list = element("dl", "facts");
    const add = (name, value) => {
      if (value === null || value === undefined || value === "") return;
      const cell = element("dd");
      cell.append(value instanceof Node ? value : String(value));
      list.append(element("dt", "", name), cell);
    };
    add(t("Your role"), role);
    add(t("Agent"), answer.agent);
    add(t("Version of what it learnt"), answer.adapter && element("span", "mono", answer.adapter));
    add(t("Database account"), answer.account && element("span", "mono", answer.account));
    add(t("Decision on record"), answer.record);
    add(t("Time"), answer.seconds ? seconds.format(answer.seconds) : null);
    return list;
  }

  function learnt(documents) {
    const list = element("ul", "documents");
    for (const one of documents) {
      const item = element("li");
      item.append(documentLink(one.link, one.document));
      list.append(item);
    }
    return list;
  }

  function record(explanation) {
    const list = element("ol", "steps");
    list.lang = "en";
    for (const [step, why] of explanation) {
      const item = element("li");
      item.append(element("b", "", step), element("span", "", why));
      list.append(item);
    }
    const folded = element("details", "inner");
    folded.append(element("summary", "", t("What was noted on the way, in English")), list);
    return folded;
  }

  function parts(answer, role, rows) {
    const all = [facts(answer, role)];
    if (answer.routing) all.push(part(t("Why this agent"), ...routingWords(answer.routing).map((words) => element("p", "", words))));
    if (answer.sources.length) all.push(part(t("What it rests on"), passages(answer.sources)));
    if (answer.sql) all.push(part(answer.table ? t("The statement that ran") : t("The statement that was refused"), statement(answer.sql)));
    if (rows) all.push(part(t("The rows it returned"), rows));
    if (answer.learnt?.length) all.push(part(t("What this version learnt from"), learnt(answer.learnt)));
    if (answer.explanation?.length) all.push(record(answer.explanation));
    return all;
  }

  // `rows` is the table where it is not shown under the answer already.
  function build(answer, role, rows) {
    const origin = element("details", "origin");
    const summary = element("summary");
    summary.append(icon("next"), t("Where this comes from"));
    origin.append(summary);
    origin.addEventListener("toggle", () => {
      if (!origin.open || origin.childElementCount > 1) return;
      const body = element("div", "origin-body");
      body.append(...parts(answer, role, rows));
      origin.append(body);
    });
    return origin;
  }

  return { build, passages };
})();
