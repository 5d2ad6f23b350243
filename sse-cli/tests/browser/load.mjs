// Measures the page of `sse serve` under load: SSE=path node load.mjs [EVENTS_A_SECOND] [SECONDS]
// Prints the time between frames, the heap after a collection, and whether every event was counted.

import { launch } from "./launch.mjs";
import { serve, until } from "./support.mjs";

const [rate, seconds] = [Number(process.argv[2] ?? 1000), Number(process.argv[3] ?? 60)];
const topics = ["a", "b", "c", "d"];
const BATCHES = 50; // a second

const stops = [];
const server = await serve({ after: (stop) => stops.push(stop) }, "--max-rate", "0", "--history-events", "100000");
const browser = await launch();
const page = await browser.newPage();
await page.goto(`${server.url}/?${topics.map((topic) => `topic=${topic}`).join("&")}`);
await until("open", () => page.evaluate(() => document.body.dataset.state === "open"));
await page.evaluate(() => {
  window.frames = [];
  let last = performance.now();
  const frame = (now) => { window.frames.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
});
const session = await page.context().newCDPSession(page);
await session.send("Performance.enable");
const heap = async () => {
  await session.send("HeapProfiler.collectGarbage");
  const { metrics } = await session.send("Performance.getMetrics");
  return Math.round(metrics.find(({ name }) => name === "JSHeapUsedSize").value / 1e5) / 10;
};

const body = JSON.stringify(Array.from({ length: rate / BATCHES }, (_, n) => ({
  event: "price", data: JSON.stringify({ symbol: "ABC", price: n, note: "x".repeat(100) }),
})));
const start = performance.now();
const heaps = [await heap()];
let sent = 0;
let nextHeap = 10;
for (let batch = 0; batch < seconds * BATCHES; batch += 1) {
  const wait = start + (batch * 1000) / BATCHES - performance.now();
  if (wait > 0) await new Promise((resolve) => { setTimeout(resolve, wait); });
  const answer = await fetch(`${server.url}/events/${topics[batch % topics.length]}`,
    { method: "POST", headers: { "Content-Type": "application/vnd.sse+json" }, body });
  if (!answer.ok) throw new Error(await answer.text());
  sent += rate / BATCHES;
  if (performance.now() - start > nextHeap * 1000) {
    nextHeap += 10;
    heaps.push(await heap());
  }
}
const took = (performance.now() - start) / 1000;
const counted = async () => Number((await page.locator("#events").innerText()).replace(/\D/g, ""));
await until("all counted", async () => (await counted()) === sent);
const frames = (await page.evaluate(() => window.frames)).sort((x, y) => x - y);
const at = (part) => frames[Math.min(frames.length - 1, Math.floor(frames.length * part))].toFixed(1);
console.log(`events: ${sent} published in ${took.toFixed(1)} s, ${await counted()} counted, ${await page.locator("#log li").count()} rows in the page`);
console.log(`frames: ${frames.length}, ms between two: median ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)}`);
console.log(`heap in MB, every 10 s: ${heaps.join(" ")}`);
await browser.close();
for (const stop of stops) await stop();
