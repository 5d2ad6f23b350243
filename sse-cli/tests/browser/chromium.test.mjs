// The browser's own EventSource, in headless Chromium.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { app, certificate, publish, serve, until } from "./support.mjs";

let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
});
after(() => browser?.close());

/** A page of `origin` in which `follow(url, options)` opens a source that writes down what happens. */
async function open(t, origin) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(origin);
  await page.evaluate(() => {
    window.follow = (url, options) => {
      const source = new EventSource(url, options);
      const seen = { events: [], opens: 0, errors: [] };
      source.onopen = () => { seen.opens += 1; };
      for (const type of ["message", "named", "gap", "error"]) {
        source.addEventListener(type, (event) => {
          if (event instanceof MessageEvent) seen.events.push([type, event.data, event.lastEventId]);
          else seen.errors.push(source.readyState);
        });
      }
      (window.sources ??= []).push({ source, seen });
    };
    window.state = (at) => ({ ...sources[at].seen, readyState: sources[at].source.readyState });
  });
  const follow = (url, options) => page.evaluate(([url, options]) => window.follow(url, options), [url, options]);
  const state = (at = 0) => page.evaluate((at) => window.state(at), at);
  const events = (count) => until(`${count} events`, async () => {
    const seen = await state();
    return seen.events.length >= count && seen;
  });
  return { page, follow, state, events };
}

test("named events, lines, UTF-8, empty data", async (t) => {
  const { follow, events } = await open(t, app);
  await follow(`${app}/shapes`);
  assert.deepEqual((await events(6)).events, [
    ["message", "plain", ""],
    ["named", "a\nb\nc\nd\n", ""],
    ["message", " leading space, ünïcödé 中文 🦀 \u2028", ""],
    ["named", "", ""],
    ["error", "a message of this type", ""],
    ["message", "end", "last"],
  ]);
});

test("retry and Last-Event-ID on reconnection", async (t) => {
  const { follow, events } = await open(t, app);
  const start = Date.now();
  await follow(`${app}/echo`);
  const seen = await events(4);
  assert.deepEqual(seen.events.slice(0, 4), [
    ["message", "none", "…é-1"],
    ["message", "…é-1", "…é-2"],
    ["message", "…é-2", "…é-3"],
    ["message", "…é-3", "…é-4"],
  ]);
  assert.ok(Date.now() - start < 3000, "one reconnection of Chromium's own would take 3 s");
});

test("cut inside events, nothing is lost or repeated", async (t) => {
  const { follow, events } = await open(t, app);
  await follow(`${app}/cut`);
  const seen = await events(40);
  const numbers = seen.events.map(([, data]) => Number(data));
  assert.deepEqual(numbers, numbers.map((_, at) => numbers[0] + at));
  assert.ok(seen.errors.length > 5, `${seen.errors.length} reconnections`);
});

test("204 ends it", async (t) => {
  const { follow, state, events } = await open(t, app);
  await follow(`${app}/enough`);
  await events(1);
  await until("closed", async () => (await state()).readyState === 2);
  assert.deepEqual((await state()).errors, [0, 2]);
  assert.equal(await (await fetch(`${app}/enough/count`)).text(), "2");
});

test("a restart is reported as a gap, and the source goes on", async (t) => {
  const server = await serve(t, "--retry", "100");
  const { follow, state, events } = await open(t, server.url);
  await follow(`${server.url}/events/t`);
  await until("open", async () => (await state()).opens === 1);
  const id = await publish(server, "t", "before");
  assert.deepEqual((await events(1)).events, [["message", "before", id]]);
  await server.stop();
  const again = await serve(t, "--listen", server.address, "--retry", "100");
  const after = await publish(again, "t", "after");
  const seen = await events(3);
  assert.deepEqual(seen.events.slice(1).map(([type, data]) => [type, data]), [["gap", '{"missed":null}'], ["message", "after"]]);
  assert.equal(seen.events[2][2], after);
});

test("a source without any event yet misses none while it is away", async (t) => {
  const { follow, events } = await open(t, app);
  await follow(`${app}/quiet`);
  const seen = await events(1);
  assert.deepEqual([seen.events[0][1], seen.opens, seen.errors], ["missed", 2, [0]]);
});

test("CORS by allow-list, with and without credentials", async (t) => {
  const origin = new URL(app).origin;
  const closed = await serve(t);
  const plain = await serve(t, "--cors-origin", origin);
  const credentials = await serve(t, "--cors-origin", origin, "--cors-credentials");
  const { follow, state } = await open(t, app);
  const cases = [
    [closed, false, 2], [plain, false, 1], [plain, true, 2], [credentials, false, 1], [credentials, true, 1],
  ];
  for (const [at, [server, withCredentials, expected]] of cases.entries()) {
    await follow(`${server.url}/events/t`, { withCredentials });
    const settled = await until("a decision", async () => (await state(at)).readyState || false);
    assert.equal(settled, expected, `case ${at}`);
  }
});

test("twenty sources in one page over HTTP/2, six over HTTP/1.1", async (t) => {
  for (const [options, expected] of [[certificate(), 20], [[], 6]]) {
    const server = await serve(t, ...options);
    const url = server.url.replace("127.0.0.1", "localhost");
    const { page, state } = await open(t, `${url}/healthz`);
    await page.evaluate((url) => { for (let at = 0; at < 20; at++) window.follow(url); }, `${url}/events/t`);
    const opened = async () => {
      const states = await Promise.all(Array.from({ length: 20 }, (_, at) => state(at)));
      return states.filter(({ readyState }) => readyState === 1).length;
    };
    await until(`${expected} open`, async () => (await opened()) >= expected);
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(await opened(), expected);
  }
});
