// nginx in front, as it comes: it holds responses back unless the server says not to.

import assert from "node:assert/strict";
import { test } from "node:test";
import { nginx } from "./nginx.mjs";
import { publish, serve, until } from "./support.mjs";

test("events arrive in time because of X-Accel-Buffering, and only because of it", async (t) => {
  const server = await serve(t);
  const { port } = await nginx(t, (port) => `
    listen 127.0.0.1:${port};
    location / { return 404; }
    location /events/ { proxy_pass ${server.url}; }
    location /deaf/ { proxy_pass ${server.url}/events/; proxy_ignore_headers X-Accel-Buffering; }`);
  const through = `http://127.0.0.1:${port}`;

  const texts = {};
  const controller = new AbortController();
  for (const path of ["events", "deaf"]) {
    texts[path] = "";
    fetch(`${through}/${path}/t`, { signal: controller.signal }).then(async (answer) => {
      for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) texts[path] += chunk;
    }).catch(() => {});
  }
  const subscribers = async () => (await (await fetch(`${server.url}/metrics`)).text()).includes("sse_subscribers 2\n");
  await until("both are subscribed", subscribers);
  for (const data of ["first", "second"]) {
    const published = Date.now();
    await publish({ url: through }, "t", data);
    await until(data, () => texts.events.includes(`data: ${data}\n`));
    assert.ok(Date.now() - published < 1000, "at once");
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(texts.deaf, "", "without the header nginx keeps everything to itself");
  await server.stop("SIGTERM");
  await until("the end of the response", () => texts.deaf.includes("data: second\n"));
  controller.abort();
});
