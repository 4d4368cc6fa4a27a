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
  let settled = Promise.resolve(); // when it is known which conversation the last answer is kept in
  let conversation = null;
  let earlier = []; // the last questions that were answered, for one that only makes sense after them

  // -- drafts: kept in this tab, for this user alone ------------------------------------------------

  const DRAFT = `draft:${user}:`;
  for (const key of Object.keys(sessionStorage)) {
    if (/^(draft|pending|resume|agent):/.test(key) && key.split(":")[1] !== user) sessionStorage.removeItem(key);
  }

  function keepDraft() {
    const key = DRAFT + (conversation || "new");
    if (field.value) sessionStorage.setItem(key, field.value);
    else sessionStorage.removeItem(key);
  }

  function showDraft() {
    const pending = sessionStorage.getItem(`pending:${user}`);
    sessionStorage.removeItem(`pending:${user}`);
    field.value = sessionStorage.getItem(DRAFT + (conversation || "new")) || pending || "";
    grow();
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

  async function refused(exchange, response) {
    const told = await response.json().catch(() => ({}));
    const signIn = response.status === 401;
    if (signIn) sessionStorage.setItem(`resume:${user}`, conversation || "new");
    exchange.fail(told.error || t("The service does not answer as it should. Please try again."), { signIn });
  }

  function kept(data, mine) {
    if (conversation !== mine.conversation) return conversations.load();
    if (!conversation) sessionStorage.removeItem(`${DRAFT}new`);
    mine.conversation = conversation = data.conversation;
    keepDraft();
    history.replaceState(null, "", `/?c=${conversation}`);
    return conversations.load().then(() => conversations.mark(conversation));
  }

  // Follows a stream to its end; whether a whole answer came.
  async function follow(exchange, response, question, mine) {
    let whole = false;
    for await (const { name, data } of eventsOf(response)) {
      if (name === "step") exchange.step(data);
      else if (name === "text") exchange.write(data);
      else if (name === "answer") {
        exchange.finish(data);
        if (data.outcome === "answered") mine.earlier.push(question);
      } else if (name === "problem") {
        if (data.signed_out) sessionStorage.setItem(`resume:${user}`, mine.conversation || "new");
        exchange.fail(data.text, { signIn: data.signed_out });
      } else if (name === "kept" && keeps) kept(data, mine);
      whole ||= name === "answer";
      if (name === "answer" || name === "problem") mine.end();
    }
    return whole;
  }

  function ask(question, agent) {
    const before = settled;
    settled = follows(question, agent, before);
    return settled;
  }

  async function follows(question, agent, before) {
    document.getElementById("empty").hidden = true;
    const exchange = new Exchange(question, { again, edited: (text) => again(text) });
    const request = new AbortController();
    const mine = { conversation, earlier, ended: false, end: () => ended(request, mine) };
    running = request;
    showRunning();
    sessionStorage.setItem(`pending:${user}`, question);
    let whole = false;
    try {
      await before;
      if (running === request) mine.conversation = conversation;
      const response = await fetch("/ask", {
        method: "POST",
        headers: { "content-type": "application/json", "x-csrf-token": allotment.csrf },
        body: JSON.stringify({ question, agent, conversation: mine.conversation, earlier: mine.earlier.slice(-EARLIER) }),
        signal: request.signal,
      });
      if (response.ok) whole = await follow(exchange, response, question, mine);
      else {
        mine.end();
        await refused(exchange, response);
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

  function old(message) {
    const exchange = new Exchange(message.question, { again, edited: (text) => again(text) });
    const { answer, blocks, available, outcome = "unknown", agent, record, sources = [] } = message;
    const shown = blocks || [["p", { }, [answer]]];
    exchange.finish({ text: available ? answer : "", blocks: shown, outcome: available ? outcome : "gone", agent, record, sources }, { quiet: true });
    if (outcome === "answered") earlier.push(message.question);
  }

  async function show(id, { push = true } = {}) {
    keepDraft();
    running = null;
    conversation = id;
    earlier = [];
    showRunning();
    if (push) history.pushState(null, "", id ? `/?c=${id}` : "/");
    messages.replaceChildren();
    document.getElementById("empty").hidden = Boolean(id);
    document.getElementById("side").hidePopover?.();
    if (keeps) conversations.mark(id);
    showDraft();
    if (id) await fill(id);
    field.focus();
  }

  async function fill(id) {
    try {
      const told = await conversations.call(`/history/${id}`);
      if (conversation !== id) return;
      told.messages.forEach(old);
      scroller.scrollTop = scroller.scrollHeight;
    } catch (error) {
      if (conversation !== id) return;
      conversation = null;
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
  if (keeps) conversations.begin(show, (gone) => { if (gone === conversation) show(null); });
  const first = wanted();
  if (first) show(first, { push: false });
  else showDraft();
  if (Number(form.dataset.agents)) {
    field.disabled = send.disabled = false;
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }
})();
