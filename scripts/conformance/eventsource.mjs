// Prints the events of an EventSource as JSON, one a line: node eventsource.mjs PACKAGE URL
import { readFileSync } from 'node:fs';
const [name, url] = process.argv.slice(2);
const module = await import(name);
const EventSource = module.EventSource ?? module.EventSourcePolyfill ?? module.default?.EventSourcePolyfill ?? module.default;
const source = new EventSource(url);
for (const type of JSON.parse(readFileSync(new URL('types.json', import.meta.url)))) {
  source.addEventListener(type, (event) => {
    // The `error` of a lost connection has no data.
    if (event.data !== undefined) console.log(JSON.stringify({ event: event.type, data: event.data, id: event.lastEventId }));
  });
}
// Some clients do not keep their process alive while they wait. A client that has closed ends its process.
setInterval(() => { if (source.readyState === 2) process.exit(); }, 100);
