// Headless Chromium on the page of `sse serve`, for the tests beside this file.

import { after, before } from "node:test";
import { launch } from "./launch.mjs";
import { serve, until } from "./support.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/**
 * The page of a server of its own, or of the one at `url`; nothing may be logged as an error but what `allowed` matches.
 * `streams` has the URLs of events that the page requested.
 */
export async function open(t, { query = "?topic=t", options = [], allowed = /$^/, url, cookies = [], ...context } = {}) {
  const server = url ? { url } : await serve(t, "--retry", "100", ...options);
  const tab = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"], ...context });
  t.after(() => tab.close());
  await tab.addCookies(cookies.map((cookie) => ({ url: server.url, ...cookie })));
  const page = await tab.newPage();
  const [errors, streams] = [[], []];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => { if (message.type() === "error" && !allowed.test(message.text())) errors.push(message.text()); });
  page.on("dialog", (dialog) => { errors.push("a dialog"); dialog.dismiss(); });
  page.on("request", (request) => { if (request.method() === "GET" && /\/events([/?]|$)/.test(request.url())) streams.push(request.url()); });
  await page.goto(`${server.url}/${query}`);
  const rows = () => page.locator("#log li").allInnerTexts();
  const opened = () => until("open", () => page.evaluate(() => document.body.dataset.state === "open"));
  /** The events in memory, oldest first: { event, data, id, topic }. */
  const events = async () => {
    await page.getByRole("button", { name: "Copy all" }).click();
    const text = await page.evaluate(() => navigator.clipboard.readText());
    return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  };
  const follow = async (text) => {
    await page.locator("#topics").fill(text);
    await page.getByRole("button", { name: "Follow" }).click();
    await opened();
  };
  return { server, page, errors, streams, rows, events, follow, open: opened };
}
