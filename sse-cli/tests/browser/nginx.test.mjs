// nginx in front, as it comes: it holds responses back unless the server says not to.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { publish, serve, temporary, until } from "./support.mjs";

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

test("events arrive in time because of X-Accel-Buffering, and only because of it", async (t) => {
  const server = await serve(t);
  const [port, directory] = [await freePort(), temporary()];
  writeFileSync(join(directory, "nginx.conf"), `
    daemon off; pid nginx.pid; error_log stderr error; events {}
    http {
      access_log off;
      client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
      server {
        listen 127.0.0.1:${port};
        location / { return 404; }
        location /events/ { proxy_pass ${server.url}; }
        location /deaf/ { proxy_pass ${server.url}/events/; proxy_ignore_headers X-Accel-Buffering; }
      }
    }`);
  const nginx = spawn("nginx", ["-p", directory, "-c", join(directory, "nginx.conf")], { stdio: "inherit" });
  t.after(() => nginx.kill());
  const through = `http://127.0.0.1:${port}`;
  await until("nginx is up", () => fetch(`${through}/none`).then(() => true, () => false));

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
