// Several topics on the page of `sse serve`, in headless Chromium.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { nginx } from "./nginx.mjs";
import { open } from "./page.mjs";
import { certificate, publish, serve, temporary, until } from "./support.mjs";

const names = (count) => Array.from({ length: count }, (_, n) => `t${n}`);
const query = (topics) => `?${new URLSearchParams(topics.map((topic) => ["topic", topic]))}`;

/** Publishes 0, 1, 2 .. to each topic until it is stopped; tells how many there were. */
function publishing(server, topics) {
  const counts = Object.fromEntries(topics.map((topic) => [topic, 0]));
  let stopped = false;
  const done = Promise.all(topics.map(async (topic) => {
    while (!stopped) {
      await publish(server, topic, String(counts[topic]++));
      await new Promise((resolve) => { setTimeout(resolve, 20); }); // the page keeps 2,000 rows
    }
  }));
  return async () => { stopped = true; await done; return counts; };
}

const numbers = (events, topic) => events.filter((event) => event.topic === topic).map(({ data }) => Number(data));
const range = (from, to) => Array.from({ length: to - from }, (_, n) => from + n);

test("32 topics share one connection, and a 33rd is refused with its reason", async (t) => {
  const { server, page, errors, streams, events, follow, open: opened } =
    await open(t, { query: query(names(32)), allowed: /400/ });
  await opened();
  for (const topic of names(32)) await publish(server, topic, `of ${topic}`, { "SSE-Event": "price" });
  const seen = await until("32 events", async () => { const all = await events(); return all.length === 32 && all; });
  for (const topic of names(32)) {
    const { event, data } = seen.find((event) => event.topic === topic);
    assert.deepEqual([event, data], ["price", `of ${topic}`]);
  }
  assert.equal(streams.length, 1);
  await follow("t0");
  await page.locator("#topics").fill(names(33).join());
  await page.getByRole("button", { name: "Follow" }).click();
  await until("refused", () => page.evaluate(() => document.body.dataset.state === "closed"));
  assert.match(await page.locator("#state").innerText(), /400.*more than 32 topics/);
  assert.deepEqual(errors, []);
});

test("a topic that is added or removed costs no event of the others", async (t) => {
  const { server, errors, events, follow, open: opened } = await open(t, { query: "?topic=a&topic=b", options: ["--max-rate", "0"] });
  await opened();
  const stop = publishing(server, ["a", "b", "c"]);
  for (const topics of ["a, b, c", "a, c", "c, a, b", "a", "a, c"]) {
    const before = (await events()).length;
    await follow(topics);
    await until("more events", async () => (await events()).length > before + 5);
  }
  const counts = await stop();
  const seen = await until("the last events", async () => {
    const all = await events();
    return numbers(all, "a").length + numbers(all, "").length >= counts.a && numbers(all, "c").at(-1) === counts.c - 1 && all;
  });
  assert.ok(seen.every(({ event }) => event === "message"), "no gap");
  // While it was followed alone, its rows do not name it.
  const a = seen.filter(({ topic }) => topic === "a" || topic === "").map(({ data }) => Number(data));
  assert.deepEqual(a, range(0, counts.a), "a was followed all the time");
  for (const topic of ["b", "c"]) {
    const own = numbers(seen, topic);
    assert.equal(new Set(own).size, own.length, `nothing of ${topic} came twice`);
    assert.deepEqual(own, [...own].sort((x, y) => x - y), `${topic} is in order`);
  }
  const c = numbers(seen, "c");
  const hole = c.findIndex((number, at) => at > 0 && number !== c[at - 1] + 1);
  assert.deepEqual(c.slice(hole), range(c[hole], counts.c), "after the last return of c nothing is missing");
  assert.deepEqual(errors, []);
});

test("a restart of a server with --data costs no event of any topic", async (t) => {
  const options = ["--data", `${temporary()}/events`];
  const { server, page, errors, events, open: opened } = await open(t, { query: query(names(8)), options, allowed: /ERR_/ });
  await opened();
  for (const topic of names(8)) await publish(server, topic, "0");
  await until("8 events", async () => (await events()).length === 8);
  await server.stop();
  await until("waiting", () => page.evaluate(() => document.body.dataset.state === "waiting"));
  const again = await serve(t, "--listen", server.address, "--retry", "100", ...options);
  for (const number of ["1", "2"]) for (const topic of names(8)) await publish(again, topic, number);
  const seen = await until("24 events", async () => { const all = await events(); return all.length >= 24 && all; });
  for (const topic of names(8)) assert.deepEqual(numbers(seen, topic), [0, 1, 2], topic);
  assert.equal(seen.length, 24, "no gap");
  assert.deepEqual(errors, []);
});

test("names with commas, quotes and colons are told apart, in the field, in links and in labels", async (t) => {
  const topics = ["a", "a:b", "x, y", '"q"', " blank "];
  const { server, page, errors, events, open: opened } = await open(t, { query: query(topics) });
  await opened();
  assert.equal(await page.locator("#topics").inputValue(), 'a, a:b, "x, y", "\\"q\\"", " blank "');
  for (const topic of topics) await publish(server, encodeURIComponent(topic), topic);
  await publish(server, "a", "type b of a", { "SSE-Event": "b" });
  await until("six events", async () => (await events()).length === 6);
  const seen = (await events()).map(({ topic, event, data }) => [topic, event, data]);
  assert.deepEqual(seen.slice(0, 5), topics.map((topic) => [topic, "message", topic]));
  assert.deepEqual(seen[5], ["a", "b", "type b of a"]);
  assert.deepEqual(new URL(page.url()).searchParams.getAll("topic"), topics);
  assert.deepEqual(errors, []);
});

test("the browser's EventSource hears the types of each topic, and goes on where the other reader stopped", async (t) => {
  const { server, page, errors, events, open: opened } = await open(t, { query: "?topic=a&topic=b" });
  await opened();
  await publish(server, "a", "1", { "SSE-Event": "price" });
  await until("one event", async () => (await events()).length === 1);
  await page.locator("#native").check();
  await opened();
  assert.match(await page.locator("#state").innerText(), /readyState 1/);
  await publish(server, "b", "2");
  await publish(server, "b", "3", { "SSE-Event": "price" });
  await until("three events", async () => (await events()).length >= 3);
  await page.locator("#native").uncheck();
  await opened();
  await publish(server, "a", "4");
  await until("four events", async () => (await events()).length >= 4);
  const seen = (await events()).map(({ topic, event, data }) => `${topic} ${event} ${data}`);
  assert.deepEqual(seen, ["a price 1", "b message 2", "b price 3", "a message 4"]);
  assert.deepEqual(errors, []);
});

test("`From here` replays every topic from that event on", async (t) => {
  const { server, page, events, open: opened } = await open(t, { query: "?topic=a&topic=b" });
  await opened();
  for (const [topic, data] of [["a", "1"], ["b", "2"], ["a", "3"]]) {
    await publish(server, topic, data);
    await until(data, async () => (await events()).at(-1)?.data === data);
  }
  await page.locator("#log li").nth(2).getByRole("button", { name: "From here" }).click();
  const seen = await until("two again", async () => { const all = await events(); return all.length >= 5 && all; });
  assert.deepEqual(seen.slice(3).map(({ topic, data }) => topic + data).sort(), ["a3", "b2"]);
});

const SECRET = "a secret of thirty-two bytes, or more";
const jwt = (claims) => {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "HS256" })}.${part({ exp: Math.floor(Date.now() / 1000) + 600, sse: claims })}`;
  return `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
};

test("a JWT in the field, in a cookie and for EventSource gives the right to its topics", async (t) => {
  const token = jwt({ publish: ["a", "b"], subscribe: ["a", "b"] });
  const cookies = [{ name: "sse_token", value: token, httpOnly: true, sameSite: "Lax" }];
  const headers = { Authorization: `Bearer ${token}` };
  for (const by of ["field", "cookie"]) {
    const options = ["--jwt-key", SECRET];
    const { server, page, errors, events, follow, open: opened } =
      await open(t, { query: "?topic=a&topic=b", options, allowed: /40[13]/, cookies: by === "cookie" ? cookies : [] });
    if (by === "field") {
      await until("refused", () => page.evaluate(() => document.body.dataset.state === "closed"));
      assert.match(await page.locator("#state").innerText(), /401/);
      await page.locator("#token").fill(token);
      await page.keyboard.press("Enter");
    }
    await opened();
    await publish(server, "a", "1", headers);
    await until(`an event by ${by}`, async () => (await events()).length === 1);
    await page.locator("#native").check();
    await opened();
    await publish(server, "b", "2", headers);
    await until(`an EventSource by ${by}`, async () => (await events()).length === 2);
    await page.locator("#native").uncheck();
    await page.locator("#publish-topic").fill("b");
    await page.locator("#publish-data").fill("3");
    await page.keyboard.press("Control+Enter");
    await until(`published by ${by}`, async () => (await events()).length === 3);
    await page.locator("#topics").fill("a, foreign");
    await page.getByRole("button", { name: "Follow" }).click();
    await until("refused", () => page.evaluate(() => document.body.dataset.state === "closed"));
    assert.match(await page.locator("#state").innerText(), /403.*sse\.subscribe/);
    await follow("a, b");
    assert.deepEqual(errors, []);
  }
});

test("the page works under a path of an nginx that ends TLS, with a cookie", async (t) => {
  const [, cert, , key] = certificate();
  const server = await serve(t, "--jwt-key", SECRET);
  const token = jwt({ publish: ["*"], subscribe: ["*"] });
  const proxy = await nginx(t, (port) => `
    listen 127.0.0.1:${port} ssl; ssl_certificate ${cert}; ssl_certificate_key ${key};
    location /hub/ { proxy_pass ${server.url}/; proxy_http_version 1.1; proxy_set_header Host $http_host; }`);
  const { page, errors, streams, events, open: opened } = await open(t, {
    url: `https://localhost:${proxy.port}/hub`, query: "?topic=a&topic=b", ignoreHTTPSErrors: true,
    cookies: [{ name: "sse_token", value: token, secure: true, httpOnly: true, sameSite: "Lax", url: `https://localhost:${proxy.port}/` }],
  });
  await opened();
  await page.locator("#publish-data").fill("through");
  await page.locator("#publish-data").press("Control+Enter");
  const [event] = await until("an event", async () => { const all = await events(); return all.length === 1 && all; });
  assert.deepEqual([event.topic, event.data], ["a", "through"]);
  assert.ok(streams.every((url) => new URL(url).pathname === "/hub/events"), streams.join());
  assert.deepEqual(errors, []);
});
