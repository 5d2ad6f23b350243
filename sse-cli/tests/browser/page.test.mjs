// The page of `sse serve`, in headless Chromium.

import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./page.mjs";
import { publish, serve, until } from "./support.mjs";

test("events of every type are shown, whatever they are called", async (t) => {
  const { server, page, errors, rows, open: opened } = await open(t);
  await opened();
  for (const type of ["message", "price", "error", "open", "état"]) {
    await publish(server, "t", `data of ${type}`, { "SSE-Event": Buffer.from(type).toString("latin1") });
  }
  const seen = await until("five rows", async () => { const all = await rows(); return all.length === 5 && all.join("\n"); });
  for (const type of ["message", "price", "error", "open", "état"]) assert.match(seen, new RegExp(`data of ${type}`));
  assert.deepEqual(await page.locator("#type option").allInnerTexts(), ["all", "error", "message", "open", "price", "état"]);
  assert.deepEqual(errors, []);
});

test("hostile text is shown and never run", async (t) => {
  const { server, page, errors, open: opened } = await open(t);
  await opened();
  await publish(server, "t", "<img src=x onerror=alert(1)><script>alert(2)</script>\u202egnp\u0007", { "Content-Type": "text/plain" });
  await publish(server, "t", "x".repeat(900_000), { "Content-Type": "text/plain" });
  await until("two rows", async () => (await page.locator("#log li").count()) === 2);
  assert.equal(await page.locator("#log img, #log script").count(), 0);
  assert.match(await page.locator("#log li").nth(1).innerText(), /<img src=x onerror=alert\(1\)>.*\\u\{202e\}gnp\\u\{7\}/s);
  const long = page.locator("#log li").first();
  assert.ok((await long.locator("pre").innerText()).length < 3000);
  await long.getByRole("button", { name: /Show all/ }).click();
  assert.equal((await long.locator("pre").innerText()).length, 900_000);
  assert.deepEqual(errors, []);
});

test("a refusal says its reason and asks for the token", async (t) => {
  const allowed = /401/;
  const { page, errors } = await open(t, { options: ["--subscribe-token", "s3cret", "--publish-token", "s3cret"], allowed });
  await until("refused", () => page.evaluate(() => document.body.dataset.state === "closed"));
  assert.match(await page.locator("#state").innerText(), /401/);
  await page.locator("#token").fill("s3cret");
  await page.keyboard.press("Enter");
  await until("open", () => page.evaluate(() => document.body.dataset.state === "open"));
  await page.locator("#publish-data").fill('{"a": 1}');
  assert.equal(await page.locator("#json").innerText(), "valid JSON");
  await page.keyboard.press("Control+Enter");
  await until("a row", async () => (await page.locator("#log li:not(.note)").count()) === 1);
  assert.match(await page.locator("#answer").innerText(), /^200 /);
  assert.ok(!page.url().includes("s3cret"));
  assert.equal(await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])), '[{},{},""]');
  assert.deepEqual(errors, []);
});

test("a lost connection shows in the flow, and nothing is missed", async (t) => {
  const { server, page, rows, open: opened } = await open(t, { allowed: /ERR_/ });
  await opened();
  await publish(server, "t", "before");
  await until("a row", async () => (await rows()).length === 1);
  await server.stop();
  await until("waiting", () => page.evaluate(() => document.body.dataset.state === "waiting"));
  assert.match(await page.locator("#state").innerText(), /next try in \d+ s/);
  await serve(t, "--listen", server.address, "--retry", "100");
  await until("open again", () => page.evaluate(() => document.body.dataset.state === "open"));
  const all = await until("a gap", async () => { const all = await rows(); return all.some((row) => row.includes("gap")) && all; });
  assert.ok(all.length >= 3, all.join("\n"));
});

test("keys filter, pause and publish", async (t) => {
  const { server, page, rows, open: opened } = await open(t);
  await opened();
  for (const data of ["apple", "pear"]) await publish(server, "t", data);
  await until("two rows", async () => (await rows()).length === 2);
  await page.keyboard.press("/");
  await page.keyboard.type("pear");
  await until("one row", async () => (await rows()).length === 1);
  await page.keyboard.press("Escape");
  await page.keyboard.press(" ");
  await publish(server, "t", "another pear");
  await until("it waits", async () => /1 new events wait/.test(await page.locator("#shown").innerText()));
  await page.keyboard.press(" ");
  await until("two pears", async () => (await rows()).length === 2);
});

test("replay from the start, copy, and a link to the view", async (t) => {
  const { server, page, rows, open: opened } = await open(t);
  await opened();
  for (const data of ["1", "2", "3"]) await publish(server, "t", data);
  await until("three rows", async () => (await rows()).length === 3);
  await page.locator("#log li").nth(1).getByRole("button", { name: "From here" }).click();
  await until("the third again", async () => (await rows()).length === 4);
  await page.getByRole("button", { name: "Copy all" }).click();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^\{"event":"message","data":"1"/);
  await page.getByRole("button", { name: "Copy link" }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${server.url}/?topic=t`);
});

test("a thousand events a second leave the list bounded", async (t) => {
  const { server, page, rows, open: opened } = await open(t, { options: ["--max-rate", "0", "--history-events", "100000"] });
  await opened();
  for (let batch = 0; batch < 30; batch += 1) {
    await Promise.all(Array.from({ length: 100 }, (_, n) => publish(server, "t", `${batch * 100 + n} ${"x".repeat(200)}`)));
  }
  await until("all counted", async () => (await page.locator("#events").innerText()).replace(/\D/g, "") === "3000");
  assert.equal((await rows()).length, 200);
  assert.match(await page.locator("#shown").innerText(), /the oldest 1000 rows were dropped/);
});

for (const [name, width] of [["a phone", 390], ["a desk", 1440]]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`${name}, ${colorScheme}: nothing overflows, contrast is at least 4.5`, async (t) => {
      const { server, page, rows, open: opened } = await open(t, { viewport: { width, height: 800 }, colorScheme });
      await opened();
      await publish(server, "t", "a".repeat(500), { "SSE-Event": "a-rather-long-type-of-an-event" });
      await until("a row", async () => (await rows()).length === 1);
      const { overflow, data, low } = await page.evaluate(() => {
        const luminance = (color) => {
          const [r, g, b] = color.match(/[\d.]+/g).map((part) => {
            const value = part / 255;
            return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const background = (element) => {
          for (let at = element; at; at = at.parentElement) {
            const color = getComputedStyle(at).backgroundColor;
            if (!/, 0\)$/.test(color) && color !== "transparent") return color;
          }
          return "rgb(255, 255, 255)";
        };
        const low = [];
        for (const element of document.querySelectorAll("body *")) {
          const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
          if (!own || element.offsetParent === null) continue;
          const [a, b] = [luminance(getComputedStyle(element).color), luminance(background(element))];
          const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          if (contrast < 4.5) low.push(`${element.tagName} ${element.className} ${contrast.toFixed(2)}`);
        }
        return {
          overflow: document.documentElement.scrollWidth - innerWidth,
          data: document.querySelector("#log .data").getBoundingClientRect().width,
          low,
        };
      });
      assert.ok(overflow <= 0, `${overflow} px too wide`);
      assert.ok(data > 300, `the data column has ${data} px`);
      assert.deepEqual(low, []);
    });
  }
}
