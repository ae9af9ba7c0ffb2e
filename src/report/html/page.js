
// Adds searching and filters to the log. All that it shows is there without it.
"use strict";
(() => {
  const form = document.getElementById("find");
  if (!form) return;
  const { query, only, least, next, previous } = form.elements;
  const output = form.querySelector("output");
  const marks = window.Highlight && CSS.highlights ? new Highlight() : null;
  if (marks) CSS.highlights.set("found", marks);
  const weights = { w: 1, e: 2 };
  const inView = new Set();
  let groups = null; // of the lines that a browser lays out together
  let hits = [];
  let at = -1;

  // Once, and when first needed: a long log has many lines.
  function index() {
    if (groups) return;
    groups = Array.from(document.querySelectorAll("#log ol"), (list) => {
      const lines = Array.from(list.children, (item, offset) => {
        item.value = list.start + offset; // hidden lines must keep counting
        const text = item.textContent.toLowerCase();
        return { item, text, weight: weights[item.className] || 0, isShown: true, isFound: false };
      });
      return { list, lines, shown: lines.length };
    });
  }

  // Writes only what changes, and reads no sizes: the browser lays out once.
  function apply() {
    index();
    const wanted = query.value.toLowerCase();
    const weight = Number(least.value);
    const before = hits[at];
    const isHit = isAsked();
    hits = [];
    for (const group of groups) {
      const isShown = (line) => line.weight >= weight && (line.isFound || !only.checked);
      let shown = 0;
      for (const line of group.lines) {
        line.isFound = line.text.includes(wanted);
        if (!isShown(line)) continue;
        shown += 1;
        if (line.isFound && isHit) hits.push(line);
      }
      // Of a group without any the lines stay as they are.
      if (shown === 0 || group.shown === 0) group.list.hidden = shown === 0;
      if (shown > 0) {
        for (const line of group.lines) {
          if (line.isShown !== isShown(line)) line.item.hidden = !(line.isShown = isShown(line));
        }
      }
      if (shown !== group.shown) {
        group.shown = shown;
        group.list.style.containIntrinsicBlockSize = `auto ${shown * 1.5}em`;
      }
    }
    if (before) before.item.classList.remove("now");
    at = Math.max(hits.indexOf(before), hits.length ? 0 : -1);
    tell();
    mark();
    if (isHit) look();
  }

  const isAsked = () => query.value !== "" || Number(least.value) > 0;

  function tell() {
    const number = (count) => count.toLocaleString("en");
    output.value = hits.length ? `${number(at + 1)} of ${number(hits.length)}` : isAsked() ? "No such line" : "";
    next.disabled = previous.disabled = hits.length === 0;
  }

  // Highlights lie over the text and change no element; only what can be seen
  // gets them.
  function mark() {
    if (!marks) return;
    marks.clear();
    const wanted = query.value.toLowerCase();
    if (wanted === "" || !groups) return;
    for (const group of groups) {
      if (!inView.has(group.list)) continue;
      for (const line of group.lines) if (line.isShown) markIn(line.item, wanted);
    }
  }

  function markIn(item, wanted) {
    const walker = document.createTreeWalker(item, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      const text = node.data.toLowerCase();
      // Some letters have another length then, and marks would stand beside.
      if (text.length !== node.data.length) continue;
      for (let from = text.indexOf(wanted); from >= 0; from = text.indexOf(wanted, from + wanted.length)) {
        marks.add(new StaticRange({
          startContainer: node, startOffset: from, endContainer: node, endOffset: from + wanted.length,
        }));
      }
    }
  }

  function look() {
    if (at < 0) return;
    hits[at].item.classList.add("now");
    hits[at].item.scrollIntoView({ block: "center" });
  }

  function go(step) {
    if (!hits.length) return;
    hits[at].item.classList.remove("now");
    at = (at + step + hits.length) % hits.length;
    tell();
    look();
  }

  function showAll() {
    query.value = "";
    least.value = "0";
    only.checked = false;
    apply();
  }

  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) inView[entry.isIntersecting ? "add" : "delete"](entry.target);
    mark();
  });
  document.querySelectorAll("#log ol").forEach((list) => watcher.observe(list));

  form.addEventListener("focusin", index);
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  next.addEventListener("click", () => go(1));
  previous.addEventListener("click", () => go(-1));
  query.addEventListener("keydown", (event) => {
    const step = { Enter: event.shiftKey ? -1 : 1, ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) go(step);
    if (event.key === "Escape") (query.value === "" ? query.blur() : showAll());
    if (step || event.key === "Escape") event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.target === query || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") query.select();
    else if (event.key === "n") go(1);
    else if (event.key === "N") go(-1);
    else if (event.key === "Escape") showAll();
    else return;
    event.preventDefault();
  });
  // Whoever comes back finds the form as it was left: the browser fills it in,
  // and tells nobody.
  window.addEventListener("pageshow", ({ persisted }) => { if (!persisted && isAsked()) apply(); });
  form.hidden = false;
  tell();
})();
