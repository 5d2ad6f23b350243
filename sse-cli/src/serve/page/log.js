"use strict";

// The list of events: bounded, filtered, and drawn once a frame. Text of the stream only ever becomes textContent.

const KEPT = 2000; // rows in memory
const KEPT_CHARACTERS = 16 << 20; // of data, in all rows
const DRAWN = 200; // rows in the page
const PREVIEW = 2000; // characters of data that are shown at first
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
/** Control characters and marks of direction become visible escapes. */
export const visible = (text) =>
  text.replace(CONTROL, (character) => `\\u{${character.codePointAt(0).toString(16)}}`);

export function size(count) {
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (count < 1000 || unit === "GB") return `${unit === "B" ? count : count.toFixed(1)} ${unit}`;
    count /= 1000;
  }
}

export class Log {
  #rows = [];
  #characters = 0;
  #waiting = [];
  #scheduled = false;
  #pausedCount = 0;
  #dropped = 0;
  #matching = 0;
  text = "";
  type = "";
  paused = false;

  constructor(list, shown, { resumeFrom }) {
    Object.assign(this, { list, shown, resumeFrom });
  }

  /** Adds an event, a comment or a note: { kind, type, data, id, topic, place }. */
  add(row) {
    row.time = new Date();
    this.#rows.push(row);
    this.#characters += row.data.length;
    row.matches = this.#matches(row);
    if (row.matches) this.#matching += 1;
    while (this.#rows.length > KEPT || (this.#characters > KEPT_CHARACTERS && this.#rows.length > 1)) {
      const oldest = this.#rows.shift();
      this.#characters -= oldest.data.length;
      if (oldest.matches) this.#matching -= 1;
      this.#dropped += 1;
    }
    if (this.paused) this.#pausedCount += 1;
    else if (row.matches) {
      this.#waiting.push(row);
      if (this.#waiting.length > DRAWN) this.#waiting.shift();
    }
    this.#schedule();
  }

  #matches(row) {
    if (row.kind === "note") return true;
    const text = () => `${row.topic} ${row.type} ${row.id} ${row.data}`.toLowerCase();
    return (!this.type || row.type === this.type) && (!this.text || text().includes(this.text));
  }

  filter(text, type) {
    this.text = text.toLowerCase();
    this.type = type;
    for (const row of this.#rows) row.matches = this.#matches(row);
    this.#matching = this.#rows.filter((row) => row.matches).length;
    this.#redraw();
  }

  pause(paused) {
    this.paused = paused;
    this.#pausedCount = 0;
    if (!paused) this.#redraw();
    this.#describe();
  }

  clear() {
    this.#rows = [];
    this.#characters = this.#dropped = this.#pausedCount = this.#matching = 0;
    this.#redraw();
  }

  /** Everything that the filter shows, oldest first, as JSON lines. */
  copy() {
    const kept = this.#rows.filter((row) => row.kind === "event" && row.matches);
    return kept.map(({ type, data, id, topic }) => JSON.stringify({ event: type, data, id, topic })).join("\n");
  }

  get empty() {
    return this.#rows.length === 0;
  }

  #redraw() {
    this.#waiting = this.#rows.filter((row) => row.matches).slice(-DRAWN);
    this.list.replaceChildren();
    this.#schedule();
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      const items = this.#waiting.map((row) => this.#item(row)).reverse();
      this.#waiting = [];
      this.list.prepend(...items);
      while (this.list.children.length > DRAWN) this.list.lastChild.remove();
      this.#describe();
    });
  }

  #describe() {
    const parts = [];
    if (this.paused) parts.push(`paused; ${this.#pausedCount} new events wait`);
    if (this.text || this.type) parts.push(`${this.#matching} of ${this.#rows.length} match`);
    if (this.#dropped > 0) parts.push(`the oldest ${this.#dropped} rows were dropped`);
    this.shown.textContent = parts.join(" · ");
  }

  #item(row) {
    const item = element("li", row.kind === "event" && row.type === "gap" ? "gap" : row.kind);
    item.append(element("time", "time", TIME.format(row.time)));
    if (row.kind === "note") {
      item.append(element("span", "note", visible(row.data)));
      return item;
    }
    const what = element("div", "what");
    what.append(element("span", "type", row.kind === "comment" ? "comment" : visible(row.type)));
    if (row.topic) what.append(element("span", "topic", `in ${visible(row.topic)}`));
    if (row.id) what.append(element("span", "id", `#${visible(row.id)}`));
    item.append(what, data(row), this.#tools(row));
    return item;
  }

  #tools(row) {
    const tools = element("div", "tools");
    if (row.kind !== "event") return tools;
    const copy = element("button", "", "Copy");
    copy.addEventListener("click", () => navigator.clipboard.writeText(row.data));
    tools.append(copy);
    if (row.id) {
      const from = element("button", "", "From here");
      from.title = "Follow again from after this event";
      from.addEventListener("click", () => this.resumeFrom(row));
      tools.append(from);
    }
    return tools;
  }
}

/** The data: JSON folds, and what is long is shortened until asked for. */
function data(row) {
  const box = element("div", "data");
  const text = element("pre", "", visible(row.data.slice(0, PREVIEW)));
  box.append(text);
  if (row.data.length > PREVIEW) {
    text.textContent += "…";
    const all = element("button", "", `Show all ${size(row.data.length)}`);
    all.addEventListener("click", () => { text.textContent = visible(row.data); all.remove(); });
    box.append(all);
  } else if (/^\s*[[{]/.test(row.data)) {
    try {
      const pretty = JSON.stringify(JSON.parse(row.data), null, 2);
      if (pretty.includes("\n")) {
        const fold = element("details");
        fold.append(element("summary", "", "JSON"), element("pre", "", visible(pretty)));
        box.append(fold);
      }
    } catch {
      // Not JSON: the text says all.
    }
  }
  return box;
}

export function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  if (tag === "button") made.type = "button";
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}
