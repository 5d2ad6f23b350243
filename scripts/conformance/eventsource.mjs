// Prints the events of an EventSource as JSON, one a line: node eventsource.mjs PACKAGE URL
const [name, url] = process.argv.slice(2);
const module = await import(name);
const EventSource = module.EventSource ?? module.EventSourcePolyfill ?? module.default?.EventSourcePolyfill ?? module.default;
const source = new EventSource(url);
// An EventSource hears only the types that it is told: these are all of the scenarios and parse cases.
const types = ['message', 'error', 'add', 'remove', 'foo', 'b', 'custom', 'done', 'message_start', 'ping', 'stock', 'test', 'tick', ' type '];
for (const type of types) {
  source.addEventListener(type, (event) => {
    if (event.data !== undefined) console.log(JSON.stringify({ event: event.type, data: event.data, id: event.lastEventId }));
  });
}
setInterval(() => {}, 1000); // some clients do not keep their process alive
