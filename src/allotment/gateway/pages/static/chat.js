// The chat: the field below, the stream that comes back, drafts, and which conversation is shown.
"use strict";

(() => {
  const { t, note, conversations } = allotment;
  const form = document.getElementById("ask");
  const field = document.getElementById("question");
  const picker = document.getElementById("agent");
  const send = document.getElementById("send");
  const offline = document.getElementById("offline");
  const keeps = Boolean(chat.dataset.kept);
  const user = chat.dataset.user;
  const EARLIER = 3;

  let running = null; // the request of the conversation that is shown
  let shown = viewOf(null);

  // A conversation as it is looked at. Two that are new both have no number yet, and are not the same.
  function viewOf(conversation) {
    return {
      conversation,
      earlier: [], // the last questions that were answered, for one that only makes sense after them
      settled: Promise.resolve(), // when it is known which conversation the last answer is kept in
      unsettled: 0,
      draft: "",
    };
  }

  // -- drafts: kept in this tab, for this user alone ------------------------------------------------

  const DRAFT = `draft:${user}:`;
  for (const key of Object.keys(sessionStorage)) {
    if (/^(draft|pending|resume|agent):/.test(key) && key.split(":")[1] !== user) sessionStorage.removeItem(key);
  }

  function keepDraft() {
    shown.draft = field.value;
    storeDraft(shown);
  }

  function storeDraft({ conversation, draft }) {
    const key = DRAFT + (conversation || "new");
    if (draft) sessionStorage.setItem(key, draft);
    else sessionStorage.removeItem(key);
  }

  // The draft of a conversation that is left: where it belongs is known once its number is.
  function leaveDraft() {
    keepDraft();
    if (!shown.conversation && shown.unsettled) sessionStorage.removeItem(`${DRAFT}new`);
  }

  // A conversation that was left and could not be kept has no number: its draft is offered with the new question.
  function keepLeft(view) {
    if (view.conversation || !view.draft || sessionStorage.getItem(`${DRAFT}new`)) return;
    storeDraft(view);
    if (!shown.conversation) showDraft();
  }

  function showDraft(otherwise) {
    field.value = sessionStorage.getItem(DRAFT + (shown.conversation || "new")) || otherwise || "";
    grow();
  }

  // The question that had no answer when this page was left.
  function takePending() {
    const pending = sessionStorage.getItem(`pending:${user}`);
    sessionStorage.removeItem(`pending:${user}`);
    return pending;
  }

  function giveBack(question) {
    sessionStorage.removeItem(`pending:${user}`);
    if (field.value) return;
    field.value = question;
    keepDraft();
    grow();
  }

  // -- asking --------------------------------------------------------------------------------------

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

  async function refused(exchange, response, view) {
    const told = await response.json().catch(() => ({}));
    const signIn = response.status === 401;
    if (signIn) sessionStorage.setItem(`resume:${user}`, view.conversation || "new");
    exchange.fail(told.error || t("The service does not answer as it should. Please try again."), { signIn });
  }

  function kept(data, view) {
    if (view.conversation !== data.conversation) {
      view.conversation = data.conversation;
      storeDraft(view);
      if (view === shown) {
        sessionStorage.removeItem(`${DRAFT}new`);
        history.replaceState(null, "", `/?c=${view.conversation}`);
        conversations.mark(view.conversation);
      }
    }
    return conversations.load();
  }

  // Follows a stream to its end; whether a whole answer came.
  async function follow(exchange, response, question, mine) {
    let whole = false;
    for await (const { name, data } of eventsOf(response)) {
      if (name === "step") exchange.step(data);
      else if (name === "text") exchange.write(data);
      else if (name === "answer") {
        exchange.finish(data);
        if (data.outcome === "answered") mine.view.earlier.push(question);
      } else if (name === "problem") {
        if (data.signed_out) sessionStorage.setItem(`resume:${user}`, mine.view.conversation || "new");
        exchange.fail(data.text, { signIn: data.signed_out });
      } else if (name === "kept" && keeps) kept(data, mine.view);
      whole ||= name === "answer";
      if (name === "answer" || name === "problem") mine.end();
    }
    return whole;
  }

  function ask(question, agent) {
    const view = shown;
    const before = view.settled;
    view.unsettled += 1;
    view.settled = follows(question, agent, before, view).finally(() => {
      view.unsettled -= 1;
      if (view !== shown) keepLeft(view);
    });
    return view.settled;
  }

  async function follows(question, agent, before, view) {
    document.getElementById("empty").hidden = true;
    const exchange = new Exchange(question, { again, edited: (text) => again(text) });
    const request = new AbortController();
    const mine = { view, ended: false, end: () => ended(request, mine) };
    running = request;
    showRunning();
    sessionStorage.setItem(`pending:${user}`, question);
    let whole = false;
    try {
      await before;
      const response = await fetch("/ask", {
        method: "POST",
        headers: { "content-type": "application/json", "x-csrf-token": allotment.csrf },
        body: JSON.stringify({ question, agent, conversation: view.conversation, earlier: view.earlier.slice(-EARLIER) }),
        signal: request.signal,
      });
      if (response.ok) whole = await follow(exchange, response, question, mine);
      else {
        mine.end();
        await refused(exchange, response, view);
      }
      if (!mine.ended) exchange.fail(t("The connection ended before the answer was whole. Your question is below; ask it again."));
    } catch (error) {
      if (error.name === "AbortError") {
        exchange.stopped();
        whole = true;
      } else if (!mine.ended) exchange.fail(t("The service cannot be reached. Your question is below; ask it again."));
    }
    if (whole) sessionStorage.removeItem(`pending:${user}`);
    else giveBack(question);
    mine.end();
  }

  // The answer is there, or there will be none: the next question may be asked.
  function ended(request, mine) {
    mine.ended = true;
    if (running !== request) return;
    running = null;
    showRunning();
  }

  function again(question, agent) {
    if (running) {
      note(t("An answer is being written. Stop it, or wait for its end."));
      return false;
    }
    if (agent) picker.value = agent;
    ask(question, picker.value);
    return true;
  }

  // -- the field -----------------------------------------------------------------------------------

  function showRunning() {
    send.textContent = running ? t("Stop") : t("Ask");
    send.classList.toggle("primary", !running);
  }

  function grow() {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (running) {
      running.abort();
      field.focus();
      return;
    }
    const question = field.value.trim();
    if (!question) return;
    field.value = "";
    keepDraft();
    grow();
    ask(question, picker.value);
  });

  field.addEventListener("input", () => {
    grow();
    keepDraft();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowUp" && !field.value) {
      event.preventDefault();
      [...messages.querySelectorAll(".question-row button")].at(-1)?.click();
    }
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!running) form.requestSubmit();
  });
  picker.addEventListener("change", () => sessionStorage.setItem(`agent:${user}`, picker.value));

  document.addEventListener("keydown", (event) => {
    const command = event.ctrlKey || event.metaKey;
    if (event.key === "Escape" && running && !document.querySelector("dialog[open], .edit, :popover-open")) running.abort();
    else if (command && event.key === "k" && keeps) {
      event.preventDefault();
      const side = document.getElementById("side");
      if (getComputedStyle(side).display === "none") side.showPopover();
      conversations.search.focus();
    } else if (command && event.shiftKey && event.key.toLowerCase() === "o") {
      event.preventDefault();
      show(null);
    }
  });

  for (const choice of document.querySelectorAll("[data-agent]")) {
    choice.addEventListener("click", () => {
      picker.value = choice.dataset.agent;
      field.focus();
    });
  }

  // -- which conversation --------------------------------------------------------------------------

  function old(message, view) {
    const exchange = new Exchange(message.question, { again, edited: (text) => again(text) });
    const { answer, blocks, available, outcome = "unknown", agent, record, sources = [] } = message;
    const shown = blocks || [["p", { }, [answer]]];
    exchange.finish({ text: available ? answer : "", blocks: shown, outcome: available ? outcome : "gone", agent, record, sources }, { quiet: true });
    if (outcome === "answered") view.earlier.push(message.question);
  }

  async function show(id, { push = true, pending = "" } = {}) {
    leaveDraft();
    running = null;
    shown = viewOf(id);
    showRunning();
    if (push) history.pushState(null, "", id ? `/?c=${id}` : "/");
    messages.replaceChildren();
    document.getElementById("empty").hidden = Boolean(id);
    document.getElementById("side").hidePopover?.();
    if (keeps) conversations.mark(id);
    showDraft(pending);
    if (id) await fill(shown);
    field.focus();
  }

  async function fill(view) {
    try {
      const told = await conversations.call(`/history/${view.conversation}`);
      if (view !== shown) return;
      for (const message of told.messages) old(message, view);
      scroller.scrollTop = scroller.scrollHeight;
    } catch (error) {
      if (view !== shown) return;
      shown = viewOf(null);
      history.replaceState(null, "", "/");
      document.getElementById("empty").hidden = false;
      note(conversations.words(error), "fault");
    }
  }

  function wanted() {
    const id = new URLSearchParams(location.search).get("c");
    const resumed = sessionStorage.getItem(`resume:${user}`);
    sessionStorage.removeItem(`resume:${user}`);
    return keeps ? id || (resumed && resumed !== "new" ? resumed : null) : null;
  }

  addEventListener("popstate", () => show(wanted(), { push: false }));
  addEventListener("beforeunload", (event) => {
    if (running) event.preventDefault();
  });
  const showOnline = () => { offline.hidden = navigator.onLine; };
  addEventListener("online", showOnline);
  addEventListener("offline", showOnline);
  document.querySelector("form[action='/logout']").addEventListener("submit", () => sessionStorage.clear());
  document.querySelector(".places a[href='/']").addEventListener("click", (event) => {
    event.preventDefault();
    show(null);
  });

  const chosen = sessionStorage.getItem(`agent:${user}`);
  if ([...picker.options].some((option) => option.value === chosen)) picker.value = chosen;
  showOnline();
  if (keeps) conversations.begin(show, (gone) => { if (gone === shown.conversation) show(null); });
  const first = wanted();
  if (first) show(first, { push: false, pending: takePending() });
  else showDraft(takePending());
  if (Number(form.dataset.agents)) {
    field.disabled = send.disabled = false;
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }
})();
