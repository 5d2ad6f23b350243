// Prints the events that eventsource-parser reads from a fetch body as JSON, one a line: node eventsource-parser.mjs URL
const { createParser } = await import('eventsource-parser');
const parser = createParser({
  onEvent: ({ event, data, id }) => console.log(JSON.stringify({ event: event ?? 'message', data, id })),
});
const decoder = new TextDecoder();
for await (const chunk of (await fetch(process.argv[2])).body) parser.feed(decoder.decode(chunk, { stream: true }));
