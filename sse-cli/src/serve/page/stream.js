"use strict";

// Reads event streams by fetch (WHATWG HTML 9.2), and says what the connection does: unlike EventSource it shows every type,
// comments, and why a response was refused.

/** Reads text/event-stream, in chunks cut anywhere: 9.2.5 and 9.2.6. */
export class Parser {
  #decoder = new TextDecoder("utf-8"); // removes one byte order mark, and replaces what is not UTF-8
  #rest = "";
  #afterCr = false;
  #data = null;
  #type = "";
  #idBuffer;

  constructor(lastEventId, handlers) {
    this.lastEventId = this.#idBuffer = lastEventId;
    this.handlers = handlers;
  }

  push(bytes) {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === "") return;
    if (this.#afterCr && text[0] === "\n") text = text.slice(1);
    this.#afterCr = false;
    const ends = /\r\n|\n|\r/g;
    let start = 0;
    for (let end; (end = ends.exec(text)) !== null; start = ends.lastIndex) {
      const line = this.#rest + text.slice(start, end.index);
      this.#rest = "";
      this.#line(line);
    }
    this.#afterCr = text.endsWith("\r");
    this.#rest += text.slice(start);
    if (this.#rest.length > 64 << 20) throw new Error("a line is longer than 64 MiB");
  }

  #line(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (colon === 0) this.handlers.comment?.(value);
    else if (name === "data") this.#data = this.#data === null ? value : `${this.#data}\n${value}`;
    else if (name === "event") this.#type = value;
    else if (name === "id" && !value.includes("\0")) this.#idBuffer = value;
    else if (name === "retry" && /^[0-9]+$/.test(value)) this.handlers.retry?.(Number(value));
  }

  #dispatch() {
    this.lastEventId = this.#idBuffer;
    const [data, type] = [this.#data, this.#type || "message"];
    this.#data = null;
    this.#type = "";
    if (data !== null) this.handlers.event({ type, data, id: this.lastEventId });
    else this.handlers.place?.(this.lastEventId);
  }
}

/**
 * Follows a URL through lost connections. `on` has: state(name, detail), event, place(id) of a block without data, comment,
 * bytes(count), unauthorized(reason).
 * States: connecting, open, waiting, closed.
 */
export class Follower {
  #abort = new AbortController();
  #retry = 3000;
  #failures = 0;
  #ended = false;

  constructor(url, { token, lastEventId = "", on }) {
    Object.assign(this, { url, token, lastEventId, on });
    this.#run();
  }

  close() {
    this.#ended = true;
    this.#abort.abort();
  }

  async #run() {
    while (!this.#ended) {
      this.on.state("connecting", this.#failures > 0 ? `attempt ${this.#failures + 1}` : "");
      let cause;
      try {
        cause = await this.#connect();
      } catch (error) {
        if (this.#ended) return;
        this.#failures += 1;
        cause = `the connection failed (${error.message})`;
      }
      if (cause === null || this.#ended) return;
      const grown = Math.min(this.#retry * 2 ** Math.max(0, this.#failures - 1), Math.max(this.#retry, 30_000));
      await this.#wait(grown * (1 + Math.random() / 4), cause);
    }
  }

  /** The cause of the end of a connection; null if there will not be another. */
  async #connect() {
    const headers = { Accept: "text/event-stream" };
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    // A header holds bytes: the ID goes as UTF-8.
    if (this.lastEventId) headers["Last-Event-ID"] = String.fromCharCode(...new TextEncoder().encode(this.lastEventId));
    const response = await fetch(this.#from(), { headers, cache: "no-store", signal: this.#abort.signal });
    if (response.status === 204) return this.#close("the server answered 204: the stream has ended");
    const type = response.headers.get("Content-Type") ?? "none";
    if (response.status !== 200 || !/^\s*text\/event-stream\s*(;|$)/i.test(type)) {
      const reason = (await response.text()).slice(0, 300).trim();
      if (response.status === 401 || response.status === 403) this.on.unauthorized(reason);
      if (response.status === 503 || response.status === 429) {
        this.#failures += 1;
        return `the server answered ${response.status}: ${reason}`;
      }
      return this.#close(`the server answered ${response.status} (${type}): ${reason}`);
    }
    this.on.state("open", `${response.status}, HTTP stream`);
    const parser = new Parser(this.lastEventId, {
      event: (event) => { this.#failures = 0; this.on.event(event); },
      place: (id) => this.on.place(id),
      comment: (text) => this.on.comment(text),
      retry: (ms) => { this.#retry = Math.min(ms, 3_600_000); },
    });
    const reader = response.body.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (this.#ended) return null;
        if (done) return "the server ended the response";
        this.on.bytes(value.length);
        parser.push(value);
        this.lastEventId = parser.lastEventId;
      }
    } finally {
      this.lastEventId = parser.lastEventId;
    }
  }

  /** The URL: once there is a last event ID, the stream goes on after it, and not from the start again. */
  #from() {
    const url = new URL(this.url);
    if (this.lastEventId) url.searchParams.delete("lastEventId");
    return url;
  }

  #close(cause) {
    this.#ended = true;
    this.on.state("closed", cause);
    return null;
  }

  async #wait(ms, cause) {
    const until = Date.now() + ms;
    while (!this.#ended && Date.now() < until) {
      const seconds = Math.ceil((until - Date.now()) / 1000);
      this.on.state("waiting", `${cause}; next try in ${seconds} s`, cause);
      await new Promise((resolve) => { setTimeout(resolve, Math.min(1000, Math.max(0, until - Date.now()))); });
    }
  }
}

/** The browser's own EventSource with the same callbacks: it hears only the types that it is told, and no comments. */
export class Native {
  constructor(url, { token, types, on }) {
    if (token) url.searchParams.set("access_token", token);
    this.source = new EventSource(url);
    const state = (name, detail) => on.state(name, `${detail} (readyState ${this.source.readyState})`);
    on.state("connecting", "EventSource");
    for (const type of types) {
      this.source.addEventListener(type, (event) => {
        // An event of the source's own, such as `error`, is not a MessageEvent.
        if (event instanceof MessageEvent) on.event({ type: event.type, data: event.data, id: event.lastEventId });
      });
    }
    this.source.addEventListener("open", () => state("open", "EventSource"));
    this.source.addEventListener("error", (event) => {
      if (event instanceof MessageEvent) return;
      const closed = this.source.readyState === EventSource.CLOSED;
      const cause = closed ? "EventSource gave up: it does not say why" : "EventSource lost the connection and will try again";
      on.state(closed ? "closed" : "waiting", cause, cause);
    });
  }

  close() {
    this.source.close();
  }
}
