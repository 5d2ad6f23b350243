// Screenshots of the page of `sse serve` in both widths and both colour schemes: SSE=path node screenshots.mjs DIRECTORY

import { launch } from "./launch.mjs";
import { publish, serve, until } from "./support.mjs";

const stops = [];
const server = await serve({ after: (stop) => stops.push(stop) });
const browser = await launch();
for (const [name, width] of [["desk", 1440], ["phone", 390]]) {
  for (const colorScheme of ["light", "dark"]) {
    const topic = `prices-${name}-${colorScheme}`;
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    const page = await context.newPage();
    await page.goto(`${server.url}/?topic=${topic}`);
    await until("open", () => page.evaluate(() => document.body.dataset.state === "open"));
    const events = [["price", '{"symbol": "ABC", "price": 181.25}'], ["message", "The market opens."], ["price", '{"symbol": "XYZ", "price": 12.5}'], ["alert", "XYZ rose by 8 % within a minute"]];
    for (const [type, data] of events) await publish(server, topic, data, { "SSE-Event": type });
    await until("rows", async () => (await page.locator("#log li").count()) === events.length);
    if (width > 640) await page.locator("#publish-data").fill('{"symbol": "ABC", "price": 181.75}');
    await new Promise((resolve) => { setTimeout(resolve, 1200); });
    await page.screenshot({ path: `${process.argv[2]}/page-${name}-${colorScheme}.png` });
    await context.close();
  }
}
await browser.close();
for (const stop of stops) await stop();
