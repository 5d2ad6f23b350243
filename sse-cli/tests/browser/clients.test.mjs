// The clients that people use from npm.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EventSource } from "eventsource";
import { app, publish, serve, until } from "./support.mjs";

const shapes = [
  ["message", "plain"],
  ["named", "a\nb\nc\nd\n"],
  ["message", " leading space, ünïcödé 中文 🦀 \u2028"],
  ["named", ""],
  ["error", "a message of this type"],
  ["message", "end"],
];

/** `eventsource`, writing down the events of these types. */
function follow(t, url) {
  const source = new EventSource(url);
  t.after(() => source.close());
  const seen = [];
  for (const type of ["message", "named", "gap", "error"]) {
    source.addEventListener(type, (event) => { if (event.data !== undefined) seen.push([type, event.data]); });
  }
  return { source, seen };
}

// The package is made for browsers; these are all it uses of one.
globalThis.window = globalThis;
globalThis.document = new EventTarget();
const { fetchEventSource } = await import("@microsoft/fetch-event-source");

function fetchFollow(t, url, options = {}) {
  const controller = new AbortController();
  t.after(() => controller.abort());
  const seen = [];
  const done = fetchEventSource(url, {
    fetch, signal: controller.signal, openWhenHidden: true, ...options,
    onmessage: (event) => seen.push([event.event || "message", event.data, event.id]),
  });
  return { seen, done };
}

test("eventsource reads every shape", async (t) => {
  const { seen } = follow(t, `${app}/shapes`);
  await until("all events", () => seen.length >= shapes.length);
  assert.deepEqual(seen, shapes);
});

test("eventsource loses nothing over cut connections", async (t) => {
  const { seen } = follow(t, `${app}/cut`);
  await until("40 events", () => seen.length >= 40);
  const numbers = seen.map(([, data]) => Number(data));
  assert.deepEqual(numbers, numbers.map((_, at) => numbers[0] + at));
});

test("eventsource is told about a restart", async (t) => {
  const server = await serve(t, "--retry", "100");
  const { source, seen } = follow(t, `${server.url}/events/t`);
  await until("open", () => source.readyState === 1);
  await publish(server, "t", "before");
  await until("an event", () => seen.length === 1);
  await server.stop("SIGTERM");
  const again = await serve(t, "--listen", server.address, "--retry", "100");
  await publish(again, "t", "after");
  await until("the gap", () => seen.length === 3);
  assert.deepEqual(seen, [["message", "before"], ["gap", '{"missed":null}'], ["message", "after"]]);
});

test("eventsource is ended by 204", async (t) => {
  const { source } = follow(t, `${app}/enough`);
  await until("closed", () => source.readyState === 2);
});

test("fetch-event-source reads every shape", async (t) => {
  const { seen } = fetchFollow(t, `${app}/shapes`);
  const last = () => seen.at(-1)?.[1] === "end";
  await until("all events", last);
  // It hands out blocks without data as well: the event that a browser does not dispatch.
  assert.deepEqual(seen.filter(([type, data]) => type !== "message" || data !== "").map(([type, data]) => [type, data]),
    [...shapes.slice(0, 4), ["named", ""], ...shapes.slice(4)]);
});

test("fetch-event-source sends a token and resumes", async (t) => {
  const server = await serve(t, "--subscribe-token", "s", "--publish-token", "p");
  const id = await publish(server, "t", "one", { Authorization: "Bearer p" });
  await publish(server, "t", "two", { Authorization: "Bearer p", "Sse-Event": "named" });
  const { seen } = fetchFollow(t, `${server.url}/events/t`, {
    headers: { Authorization: "Bearer s", "Last-Event-ID": id },
  });
  await until("the replay", () => seen.some(([type, data]) => type === "named" && data === "two"));
  assert.ok(!seen.some(([, data]) => data === "one"));
});
