"use strict";

// The topics that one connection follows: their names as text, their URL, and the place in each of them.

/** Names in a text, separated by commas. A name with a comma, a quote or blanks at an end is written as a JSON string. */
export function namesIn(text) {
  const names = [];
  for (const [, part] of text.matchAll(/\s*("(?:[^"\\]|\\.)*"|[^,]*?)\s*(?:,|$)/g)) names.push(unquoted(part));
  return [...new Set(names.filter(Boolean))];
}

export const asText = (names) =>
  names.map((name) => (/[",]|^\s|\s$/.test(name) ? JSON.stringify(name) : name)).join(", ");

function unquoted(part) {
  if (!part.startsWith('"')) return part;
  try {
    return JSON.parse(part);
  } catch {
    return part; // a name that begins with a quote
  }
}

/** URL of one topic's events, relative to the page, which a proxy may serve under a path. */
export const urlOf = (topic) => new URL(`events/${encodeURIComponent(topic)}`, document.baseURI);

/**
 * One connection for all topics, because a browser opens six to a host with HTTP/1.1. With several topics the type of each event
 * begins with its topic (`label=type`), and the ID is a form of the places in all topics: `news=17-7&prices=17-3`.
 */
export class Topics {
  /** The ID of the last event of each topic, where it is known. */
  places = new Map();

  /** Topics of other connections' `places` go on there, the others begin now. */
  constructor(names, places = new Map()) {
    this.names = names;
    for (const name of names) if (places.get(name)) this.places.set(name, places.get(name));
  }

  get url() {
    if (this.names.length === 1) return urlOf(this.names[0]);
    const url = new URL("events", document.baseURI);
    this.names.forEach((name) => url.searchParams.append("topic", name));
    url.searchParams.set("label", "type");
    return url;
  }

  get lastEventId() {
    return this.names.length === 1 ? (this.places.get(this.names[0]) ?? "") : new URLSearchParams([...this.places]).toString();
  }

  /** Takes over the places of an ID: of an event, or of a block without data. */
  moveTo(id) {
    if (id === "") return; // what comes before the first ID moves nothing
    this.places = this.names.length === 1 ? new Map([[this.names[0], id]]) : new Map(new URLSearchParams(id));
  }

  /** Topic, type and ID of an event as its publisher chose them; `place` is the ID by which to resume after it. */
  read({ type, data, id }) {
    if (this.names.length === 1) {
      this.moveTo(id);
      return { topic: "", type, data, id, place: this.places };
    }
    const before = this.places;
    this.moveTo(id);
    const topic = this.#topicOf(type, before);
    const own = topic === "" ? type : type.slice(topic.length + 1) || "message";
    return { topic, type: own, data, id: this.places.get(topic) ?? "", place: this.places };
  }

  /** Of `a` and `a:b` both may begin a type: it is the topic whose place has moved. None: a heartbeat. */
  #topicOf(type, before) {
    const possible = this.names.filter((name) => type === name || type.startsWith(`${name}:`));
    const moved = possible.filter((name) => this.places.get(name) !== before.get(name));
    return (moved.length > 0 ? moved : possible).sort((a, b) => b.length - a.length)[0] ?? "";
  }

  /** The types that an EventSource has to listen to, to hear these types of every topic. */
  labelled(types) {
    if (this.names.length === 1) return types;
    return this.names.flatMap((name) => types.map((type) => (type === "message" ? name : `${name}:${type}`)));
  }
}
