// Servers and waiting, for the tests beside this file.

import { spawn, execFileSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const app = process.env.APP;

export function temporary() {
  return mkdtempSync(join(tmpdir(), "sse-browser-"));
}

/** Starts `sse serve`; stops with the test `t`. */
export async function serve(t, ...options) {
  const listen = options.includes("--listen") ? [] : ["--listen", "127.0.0.1:0"];
  const child = spawn(process.env.SSE, ["serve", ...listen, ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const url = line.match(/https?:\/\/[^/]+/)[0];
  const stop = async (signal = "SIGKILL") => { child.kill(signal); return ended; };
  t.after(() => stop());
  return { url, address: url.split("//")[1], stop };
}

export async function publish(server, topic, data, headers = {}) {
  const answer = await fetch(`${server.url}/events/${topic}`, { method: "POST", body: data, headers });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()).ids[0];
}

/** A certificate for localhost that nobody trusts. */
export function certificate() {
  const directory = temporary();
  const [cert, key] = ["cert.pem", "key.pem"].map((name) => join(directory, name));
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert], { stdio: "ignore" });
  return ["--cert", cert, "--key", key];
}

/** Waits until `probe` gives something true, for ten seconds. */
export async function until(what, probe) {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const result = await probe();
    if (result) return result;
    if (Date.now() > deadline) throw new Error(`not within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
