// What pages do with a script. Without it they work too, but for copying, filtering permissions, hashing a value and live news.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const one = (selector, from = document) => from.querySelector(selector);
  const made = (name, text) => Object.assign(document.createElement(name), { textContent: text });
  // Read to people who do not see the page.
  const say = (text) => {
    const live = one("#live");
    live.textContent = "";
    setTimeout(() => { live.textContent = text; }, 50);
  };

  // A value: copied, asked about before one leaves, gone when the page is.
  let unsaved = false;
  const copy = async (button) => {
    const field = one("[data-value], [data-text]", button.closest(".value"));
    try {
      await navigator.clipboard.writeText(field.value ?? field.textContent);
      const label = one("span", button);
      label.textContent = "Copied";
      setTimeout(() => { label.textContent = "Copy"; }, 2000);
      say("Copied");
    } catch {
      if (field.select) { field.focus(); field.select(); } else getSelection().selectAllChildren(field);
      say("Selected. Copy it with your keyboard.");
    }
  };
  addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
  addEventListener("pagehide", () => all("[data-value]").forEach((field) => {
    field.removeAttribute("value");
    field.value = "";
  }));
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    if (one("[data-value]")) location.reload();
    all("form").forEach((form) => delete form.dataset.sent);
  });

  // Permissions.
  const level = (row) => one("input:checked", row)?.value ?? "none";
  const ranks = ["none", "read", "write"];
  const tally = (matrix) => {
    const may = { write: [], read: [] };
    for (const group of all(".group", matrix)) {
      const rows = all("[data-row]", group);
      let granted = 0;
      for (const row of rows) {
        const now = level(row);
        if (now !== "none") { granted += 1; may[now].push(row.dataset.row); }
        const was = row.dataset.was;
        const change = one(".change", row);
        if (was && change) {
          const more = ranks.indexOf(now) - ranks.indexOf(was);
          change.textContent = more ? `${more > 0 ? "+" : "−"} ${now} (was ${was})` : "";
          change.className = `change ${more < 0 ? "was" : "is"}`;
        }
      }
      one("[data-count]", group).textContent = `${granted} of ${rows.length}`;
    }
    const summary = one(`[data-says="${matrix.dataset.matrix}"]`);
    if (!summary) return;
    const parts = [];
    for (const [verb, names] of Object.entries(may)) {
      if (names.length) parts.push(made("dt", verb), made("dd", names.join(", ")));
    }
    if (!parts.length) parts.push(made("dt", "nothing yet"), made("dd", "Every request will be denied. Choose Read or Write."));
    summary.replaceChildren(...parts);
  };
  const choose = (row, wanted) => {
    const levels = all("input", row).map((input) => input.value);
    // A level that a permission lacks: the next one that grants no more.
    const best = levels.includes(wanted) ? wanted : "none";
    for (const input of all("input", row)) input.checked = input.value === best;
  };
  const filter = (input) => {
    const matrix = one(`[data-matrix="${input.dataset.filters}"]`);
    const wanted = input.value.trim().toLowerCase().split(/[\s_]+/).filter(Boolean);
    let shown = 0;
    for (const group of all(".group", matrix)) {
      let here = 0;
      for (const row of all("[data-row]", group)) {
        const text = one("legend", row).textContent.toLowerCase();
        row.hidden = !wanted.every((word) => text.includes(word));
        if (!row.hidden) here += 1;
      }
      group.hidden = here === 0;
      one(".every", group).hidden = wanted.length > 0;
      if (group.dataset.open === undefined) group.dataset.open = group.open ? "1" : "";
      group.open = wanted.length ? here > 0 : group.dataset.open === "1";
      if (!wanted.length) delete group.dataset.open;
      shown += here;
    }
    const found = one(`[data-found="${input.dataset.filters}"]`);
    if (found) found.textContent = wanted.length ? `${shown} found` : "";
    // On a phone there is little room below the field for what was found.
    if (wanted.length && innerHeight - input.getBoundingClientRect().bottom < 320) input.scrollIntoView({ block: "start" });
  };

  // A leaked value is hashed here; the field has no name, so a form never sends it.
  const known = /^(sk|rk|pk|sk_org)_(test|live)_/;
  const hash = async (form) => {
    const field = one("[data-hash]", form);
    const value = field.value.trim();
    const problem = one("[data-problem]", form);
    const refuse = (text) => { problem.textContent = text; problem.hidden = false; field.setAttribute("aria-invalid", "true"); field.focus(); };
    if (!value) return refuse("Paste the leaked value.");
    if (!globalThis.crypto?.subtle) return refuse("This browser hashes values on pages served over HTTPS alone. Paste the digest below instead.");
    const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(value));
    const digits = [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0"));
    // By their names: `elements.length` is how many there are.
    const put = (name, text) => { form.elements.namedItem(name).value = text; };
    put("sha256", digits.join(""));
    put("prefix", known.exec(value)?.[0] ?? "");
    put("length", String(value.length));
    field.value = "";
    form.submit();
  };

  // The token of a link stands in the fragment, which no log has. It leaves the address at once.
  const enter = async (place) => {
    const token = location.hash.slice(1);
    if (!token) return;
    history.replaceState(null, "", location.pathname);
    const field = place.matches("input") ? place : one("input", place);
    field.value = token;
    (field.closest(".field") ?? place).hidden = true;
    const who = one("[data-who]");
    if (!who) return;
    const asked = await fetch(one("[data-peek]")?.dataset.peek ?? "/console/peek", { method: "POST", body: new URLSearchParams({ code: token }) }).catch(() => null);
    if (!asked?.ok) return;
    const { actor, role, status } = await asked.json();
    who.textContent = status === "unopened" ? `Continue as ${actor}${role ? ` (${role})` : ""}` : "This link was already used, or its time is over. Ask for a new one.";
  };

  const poll = async (place) => {
    for (let turns = 0; turns < 120 && place.isConnected; turns += 1) {
      const asked = await fetch(place.dataset.poll, { headers: { accept: "application/json" } }).catch(() => null);
      if (asked?.ok) {
        const { text, done } = await asked.json();
        if (place.textContent !== text) place.textContent = text;
        if (done) return;
      }
      await new Promise((go) => { setTimeout(go, 1000); });
    }
  };

  addEventListener("click", (event) => {
    const target = event.target.closest?.("[data-copy], [data-all], [data-add]");
    for (const menu of all(".menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    if (!target) return;
    const { all: every, add, to } = target.dataset;
    if (target.dataset.copy !== undefined) copy(target);
    if (every) {
      all("[data-row]:not([hidden])", target.closest(".group")).forEach((row) => choose(row, every));
      tally(target.closest("[data-matrix]"));
    }
    if (add) {
      const area = one(`#${to}`);
      area.value = [...area.value.split("\n").filter(Boolean), add].join("\n");
      say(`${add} added`);
    }
  });
  addEventListener("change", (event) => {
    const matrix = event.target.closest?.("[data-matrix]");
    if (matrix) tally(matrix);
  });
  addEventListener("input", (event) => { if (event.target.dataset?.filters) filter(event.target); });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") for (const menu of all(".menu[open]")) { menu.open = false; one("summary", menu).focus(); }
    // The filter of permissions is no part of the form.
    if (event.key === "Enter" && event.target.dataset?.filters) event.preventDefault();
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest?.("input, select, textarea")) return;
    const field = one("[data-slash]");
    if (field) { event.preventDefault(); field.focus(); }
  });
  addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.digest !== undefined && one("[data-hash]", form).value) {
      event.preventDefault();
      hash(form);
      return;
    }
    // Twice sent by a double click is once.
    if (form.method === "post" && form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
    if (form.dataset.done !== undefined || one("[data-done]", form)) unsaved = false;
  });
  // A page that Back takes from the browser's memory may send its form again.
  addEventListener("pageshow", (event) => { if (event.persisted) for (const form of all("form")) delete form.dataset.sent; });
  addEventListener("DOMContentLoaded", () => {
    unsaved = Boolean(one("[data-value][data-guard]"));
    all("[data-matrix]").forEach(tally);
    all("[data-poll]").forEach(poll);
    all("[data-code]").forEach(enter);
    addEventListener("hashchange", () => all("[data-code]").forEach(enter));
    all("[data-fold]").forEach((details) => { details.open = false; });
  });
})();
