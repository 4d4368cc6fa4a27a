// The user's conversations at the side: a list that is searched, and what can be done with each.
"use strict";

allotment.conversations = (() => {
  const { t, element, icon, note, language } = allotment;
  const list = document.getElementById("conversations");
  const search = document.getElementById("search");
  const state = document.getElementById("conversations-state");
  const more = document.getElementById("more");
  const dialog = document.getElementById("conversation");
  const SEARCH_AFTER_MS = 200;
  const days = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const dates = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
  let current = null;
  let open = () => {};
  let asked = 0;

  async function call(address, options = {}) {
    const headers = { "x-csrf-token": allotment.csrf, ...(options.body ? { "content-type": "application/json" } : {}) };
    const response = await fetch(address, { ...options, headers });
    const told = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(told.error || t("The service does not answer as it should. Please try again."));
    return told;
  }

  function words(error) {
    return error instanceof TypeError ? t("The service cannot be reached. Check your connection and try again.") : error.message;
  }

  function day(moment) {
    const used = new Date(moment);
    const midnight = new Date().setHours(0, 0, 0, 0);
    const ago = Math.round((midnight - new Date(used).setHours(0, 0, 0, 0)) / 86400000);
    const told = ago < 2 ? days.format(-ago, "day") : dates.format(used);
    return told.charAt(0).toLocaleUpperCase(language) + told.slice(1);
  }

  function row(one) {
    const item = element("li");
    item.dataset.id = one.id;
    const link = element("a", "place", one.title || t("Without a name"));
    link.href = `/?c=${one.id}`;
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      open(one.id);
    });
    const button = element("button", "button quiet small icon-only");
    button.type = "button";
    button.setAttribute("aria-label", t("Rename, export or delete: %(title)s", { title: one.title }));
    button.setAttribute("aria-haspopup", "dialog");
    button.append(icon("more"));
    button.addEventListener("click", () => ask(one));
    item.append(link, button);
    return item;
  }

  function append(conversations) {
    for (const one of conversations) {
      const name = day(one.used_at);
      if (list.dataset.day !== name) {
        list.dataset.day = name;
        list.append(element("li", "day", name));
      }
      list.append(row(one));
    }
    mark(current);
  }

  async function load(before = "") {
    const number = (asked += 1);
    const query = new URLSearchParams({ search: search.value.trim(), ...(before ? { before } : {}) });
    try {
      const told = await call(`/history?${query}`);
      if (number !== asked) return; // a later search is on its way
      if (!before) {
        list.replaceChildren();
        list.dataset.day = "";
      }
      append(told.conversations);
      more.hidden = !told.before;
      more.dataset.before = told.before || "";
      const nothing = search.value.trim() ? t("No question with these words") : t("Your conversations will stand here");
      state.textContent = list.childElementCount ? "" : nothing;
    } catch (error) {
      state.textContent = words(error);
    }
  }

  function mark(id) {
    current = id;
    const fresh = document.querySelector(".places a[href='/']");
    if (id) fresh.removeAttribute("aria-current");
    else fresh.setAttribute("aria-current", "page");
    for (const item of list.querySelectorAll("[data-id]")) {
      const link = item.querySelector("a");
      if (item.dataset.id === id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  function ask(one) {
    const form = dialog.querySelector("form");
    form.elements.title.value = one.title;
    dialog.dataset.id = one.id;
    dialog.querySelector("[data-markdown]").href = `/history/${one.id}/export?format=markdown`;
    dialog.querySelector("[data-json]").href = `/history/${one.id}/export?format=json`;
    dialog.querySelector("[data-delete]").hidden = false;
    dialog.querySelector("[data-really]").hidden = true;
    dialog.showModal();
  }

  async function change(method, body) {
    const { id } = dialog.dataset;
    try {
      await call(`/history/${id}`, { method, ...(body ? { body: JSON.stringify(body) } : {}) });
      dialog.close();
      await load();
      return id;
    } catch (error) {
      note(words(error), "fault");
      return null;
    }
  }

  function listen(removed) {
    let typing = 0;
    search.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(load, SEARCH_AFTER_MS);
    });
    more.addEventListener("click", () => load(more.dataset.before));
    dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      change("PATCH", { title: event.target.elements.title.value });
    });
    dialog.querySelector("[data-delete]").addEventListener("click", (event) => {
      event.currentTarget.hidden = true;
      const really = dialog.querySelector("[data-really]");
      really.hidden = false;
      really.querySelector("button").focus();
    });
    dialog.querySelector("[data-yes]").addEventListener("click", async () => {
      const gone = await change("DELETE");
      if (gone) {
        note(t("The conversation is deleted."));
        removed(gone);
      }
    });
  }

  // Begins with the list; `opened` is told which conversation is wanted, `removed` which is gone.
  function begin(opened, removed) {
    open = opened;
    listen(removed);
    return load();
  }

  return { begin, call, load, mark, search, words };
})();
