// What a user says of an answer: useful, or what is wrong with it.
"use strict";

allotment.feedback = (() => {
  const { t, element, icon, note } = allotment;
  const dialog = document.getElementById("feedback");
  const form = dialog?.querySelector("form");
  let marked = null;

  async function send(mark) {
    const response = await fetch("/feedback", {
      method: "POST",
      headers: { "content-type": "application/json", "x-csrf-token": allotment.csrf },
      body: JSON.stringify(mark),
    });
    if (response.ok) return;
    const told = await response.json().catch(() => ({}));
    throw new Error(told.error || t("The service does not answer as it should. Please try again."));
  }

  async function mark(buttons, pressed, body) {
    try {
      await send(body);
      for (const each of buttons) each.setAttribute("aria-pressed", String(each === pressed));
      note(t("Thank you. It is read by the people who look after the answers."));
      return true;
    } catch (error) {
      note(error instanceof TypeError ? t("The service cannot be reached. Check your connection and try again.") : error.message, "fault");
      return false;
    }
  }

  function showAgents() {
    const wrongAgent = form.elements.verdict.value === "wrong_agent";
    form.querySelector("[data-agents]").hidden = !wrongAgent;
  }

  function ask(answer, buttons, pressed) {
    marked = { answer, buttons, pressed };
    form.reset();
    form.elements.verdict.value = answer.outcome === "answered" ? "wrong_answer" : "wrongly_refused";
    showAgents();
    dialog.showModal();
  }

  form?.addEventListener("change", showAgents);
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { answer, buttons, pressed } = marked;
    const verdict = form.elements.verdict.value;
    const agent = verdict === "wrong_agent" ? form.elements.agent.value : "";
    const body = { decision: answer.record, verdict, note: form.elements.note.value.trim(), agent: agent || null };
    if (await mark(buttons, pressed, body)) dialog.close();
  });

  function toggle(symbol, words) {
    const made = element("button", "button quiet small");
    made.type = "button";
    made.setAttribute("aria-pressed", "false");
    made.append(icon(symbol), words);
    return made;
  }

  // The buttons under an answer.
  function buttons(answer) {
    const useful = toggle("useful", t("Useful"));
    const wrong = toggle("flag", t("Not right"));
    wrong.setAttribute("aria-haspopup", "dialog");
    const both = [useful, wrong];
    useful.addEventListener("click", () => mark(both, useful, { decision: answer.record, verdict: "useful", note: "", agent: null }));
    wrong.addEventListener("click", () => ask(answer, both, wrong));
    return both;
  }

  return { buttons };
})();
