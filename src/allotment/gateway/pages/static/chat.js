// The chat: sends a question and shows the stream that comes back.
// Every text from the server is set as text, never as markup.
"use strict";

const STEPS = ["checking", "routing", "authorizing", "answering", "releasing"];
const OUTCOMES = { refused: "Not something I may answer", unknown: "Not known here", failed: "That did not work" };

const VERDICTS = [
  ["useful", "useful"],
  ["wrong_answer", "wrong"],
  ["wrongly_refused", "wrongly refused"],
  ["wrong_agent", "for another agent"],
];

const form = document.getElementById("ask");
const field = document.getElementById("question");
const picker = document.getElementById("agent");
const send = document.getElementById("send");
const messages = document.getElementById("messages");
const scroller = document.getElementById("scroll");
const csrf = document.querySelector("meta[name=csrf-token]").content;

let running = null;
let conversation = null;
let earlier = []; // the last questions that were answered, for one that only makes sense after them
const EARLIER = 3;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function labelled(title, content) {
  const section = element("section");
  section.append(element("h3", "", title), content);
  return section;
}

function tableOf(table) {
  const rows = element("div", "rows");
  rows.tabIndex = 0;
  rows.setAttribute("role", "region");
  rows.setAttribute("aria-label", "Rows");
  const made = element("table");
  const isNumber = table.columns.map((_, i) => table.rows.some((row) => typeof row[i] === "number"));
  const head = made.createTHead().insertRow();
  table.columns.forEach((column, i) => {
    const cell = element("th", isNumber[i] ? "number" : "", column);
    cell.scope = "col";
    head.append(cell);
  });
  const body = made.createTBody();
  for (const row of table.rows) {
    const line = body.insertRow();
    row.forEach((value, i) => {
      const name = value === null ? "empty-cell" : isNumber[i] ? "number" : "";
      line.append(element("td", name, value === null ? "empty" : String(value)));
    });
  }
  rows.append(made);
  const whole = element("div");
  whole.append(rows);
  if (table.truncated) whole.append(element("p", "note", "Only the first rows are shown; there are more."));
  if (!table.rows.length) whole.append(element("p", "note", "No row matches, or this account sees none that does."));
  return whole;
}

function hasSeveralRows(answer) {
  return Boolean(answer.table) && answer.table.rows.length > 1 && answer.table.columns.length > 1;
}

function sourcesOf(sources) {
  const list = element("ul", "sources");
  for (const source of sources) {
    const item = element("li");
    item.append(element("b", "", source.heading ? `${source.document} › ${source.heading}` : source.document));
    item.append(element("blockquote", "", source.quote));
    list.append(item);
  }
  return list;
}

function placesOf(places) {
  const section = labelled("Not an answer, but places to look", sourcesOf(places));
  section.className = "places";
  return section;
}

function stepsOf(explanation) {
  const list = element("ol", "steps");
  for (const [step, why] of explanation) {
    const item = element("li");
    item.append(element("b", "", step), element("span", "", why));
    list.append(item);
  }
  return list;
}

function originOf(answer) {
  const parts = [];
  const statement = answer.table ? "Statement that ran" : "Statement that was refused";
  if (answer.sql) parts.push(labelled(statement, element("pre", "sql", answer.sql)));
  if (answer.table && !hasSeveralRows(answer)) parts.push(labelled("Rows it returned", tableOf(answer.table)));
  if (answer.sources.length) parts.push(labelled("Learnt from", sourcesOf(answer.sources)));
  if (answer.explanation.length) parts.push(labelled("How it was decided", stepsOf(answer.explanation)));
  if (!parts.length) return null;
  const origin = element("details", "origin");
  const body = element("div", "origin-body");
  body.append(...parts);
  origin.append(element("summary", "", "Where this comes from"), body);
  return origin;
}

function chipsOf(answer) {
  const facts = [["agent", answer.agent], ["adapter", answer.adapter], ["account", answer.account], ["record", answer.record]];
  const chips = element("ul", "chips");
  chips.setAttribute("aria-label", "Answered by");
  for (const [name, value] of facts) {
    if (value === null || value === undefined) continue;
    const chip = element("li");
    chip.append(element("span", "", name), String(value));
    chips.append(chip);
  }
  return chips.childElementCount ? chips : null;
}

function optionsOf(choices) {
  return choices.map(([value, label]) => {
    const option = element("option", "", label);
    option.value = value;
    return option;
  });
}

async function sendMark(mark) {
  const response = await fetch("/feedback", {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": csrf },
    body: JSON.stringify(mark),
  });
  return response.ok ? "Thank you. It is read by the people who look after the answers." : errorOf(response);
}

// What the user says of an answer: it goes to the people who look after the guards, the router and the dataset.
function markOf(answer) {
  if (!answer.record) return null;
  const whole = element("details", "origin");
  const form = element("form", "origin-body mark");
  const verdict = element("select");
  verdict.append(...optionsOf(VERDICTS));
  const agent = element("select");
  agent.append(...[...picker.options].slice(1).map((option) => option.cloneNode(true)));
  const note = element("textarea");
  note.rows = 2;
  note.maxLength = 1000;
  const [verdictField, agentField, noteField] = [["This answer was", verdict], ["It was for", agent], ["Note", note]].map(
    ([title, control]) => {
      const field = element("label", "", title);
      field.append(control);
      return field;
    },
  );
  const said = element("p", "note");
  said.setAttribute("role", "status");
  const show = () => { agentField.hidden = verdict.value !== "wrong_agent"; };
  verdict.value = answer.outcome === "answered" ? "useful" : "wrongly_refused";
  verdict.addEventListener("change", show);
  show();
  form.append(verdictField, agentField, noteField, element("button", "primary", "Send"), said);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const named = verdict.value === "wrong_agent" ? agent.value : null;
    const mark = { decision: String(answer.record), verdict: verdict.value, agent: named, note: note.value.trim() };
    said.textContent = await sendMark(mark).catch(() => "The service cannot be reached. Please try again.");
  });
  whole.append(element("summary", "", "Was this right?"), form);
  return whole;
}

class Exchange {
  constructor(question) {
    this.root = element("article", "exchange");
    this.answer = element("div", "answer");
    this.text = element("p", "answer-text");
    this.progress = element("div", "progress");
    this.label = element("span", "", "Sending the question");
    this.label.setAttribute("role", "status");
    this.track = element("span", "progress-track");
    this.track.setAttribute("aria-hidden", "true");
    this.track.append(...STEPS.map(() => element("i")));
    this.progress.append(this.track, this.label);
    this.answer.append(this.text);
    this.text.hidden = true;
    this.root.append(element("h2", "question", question), this.answer, this.progress);
    messages.append(this.root);
    // A screen reader hears the answer once, when it is whole, not word by word.
    messages.setAttribute("aria-busy", "true");
    this.root.scrollIntoView({ block: "nearest" });
  }

  step({ name, label }) {
    const at = STEPS.indexOf(name);
    [...this.track.children].forEach((mark, i) => { mark.className = i < at ? "done" : i === at ? "now" : ""; });
    this.label.textContent = label;
  }

  delta({ text }) {
    const follows = atEnd();
    this.text.hidden = false;
    this.text.append(text);
    if (follows) toEnd();
  }

  finish(answer) {
    const follows = atEnd();
    this.progress.remove();
    this.root.classList.add(answer.outcome);
    this.text.hidden = false;
    // The text of several rows has them as a Markdown table; here they are a table.
    const several = hasSeveralRows(answer);
    this.text.textContent = several ? answer.text.split("\n\n")[0] : answer.text;
    if (several) this.answer.append(tableOf(answer.table));
    if (OUTCOMES[answer.outcome]) this.text.prepend(element("span", "outcome", OUTCOMES[answer.outcome]));
    if (answer.places.length) this.answer.append(placesOf(answer.places));
    const chips = chipsOf(answer);
    const origin = originOf(answer);
    if (chips) this.answer.append(chips);
    if (origin) this.answer.append(origin);
    const mark = markOf(answer);
    if (mark) this.answer.append(mark);
    messages.removeAttribute("aria-busy");
    if (follows) toEnd();
  }

  fail(text) {
    this.finish({ outcome: "failed", text, sources: [], places: [], explanation: [] });
  }

  stopped() {
    this.progress.remove();
    this.answer.append(element("p", "note", "Stopped."));
    messages.removeAttribute("aria-busy");
  }
}

function atEnd() {
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 120;
}

function toEnd() {
  scroller.scrollTop = scroller.scrollHeight;
}

function parseEvent(block) {
  let name = "message";
  let data = "";
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    else if (line.startsWith("data: ")) data += line.slice(6);
  }
  return data ? { name, data: JSON.parse(data) } : null;
}

async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event) yield event;
    }
  }
}

async function errorOf(response) {
  try {
    return (await response.json()).error;
  } catch {
    return "The service does not answer as it should. Please try again.";
  }
}

async function ask(question, agent) {
  document.getElementById("empty")?.remove();
  const exchange = new Exchange(question);
  running = new AbortController();
  try {
    const response = await fetch("/ask", {
      method: "POST",
      headers: { "content-type": "application/json", "x-csrf-token": csrf },
      body: JSON.stringify({ question, agent, conversation, earlier }),
      signal: running.signal,
    });
    if (!response.ok) {
      exchange.fail(await errorOf(response));
      return;
    }
    let whole = false;
    for await (const { name, data } of eventsOf(response)) {
      if (name === "step") exchange.step(data);
      else if (name === "delta") exchange.delta(data);
      else if (name === "answer") {
        exchange.finish(data);
        if (data.outcome === "answered") earlier = [...earlier, question].slice(-EARLIER);
      }
      else if (name === "problem") exchange.fail(data.text);
      else if (name === "kept") conversation = data.conversation;
      whole ||= name === "answer" || name === "problem";
    }
    if (!whole) exchange.fail("The connection ended before the answer was whole. Please ask again.");
  } catch (error) {
    if (error.name === "AbortError") exchange.stopped();
    else exchange.fail("The service cannot be reached. Check your connection and ask again.");
  } finally {
    running = null;
    showRunning();
    field.focus();
  }
}

function showRunning() {
  send.textContent = running ? "Stop" : "Ask";
}

function grow() {
  field.rows = Math.min(8, Math.max(1, field.value.split("\n").length));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (running) {
    running.abort();
    return;
  }
  const question = field.value.trim();
  if (!question) return;
  field.value = "";
  grow();
  ask(question, picker.value);
  showRunning();
});

field.addEventListener("input", grow);
field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (!running) form.requestSubmit();
});

for (const choice of document.querySelectorAll("[data-agent]")) {
  choice.addEventListener("click", () => {
    picker.value = choice.dataset.agent;
    field.focus();
  });
}

if (Number(form.dataset.agents)) {
  field.disabled = send.disabled = false;
  field.focus();
}
