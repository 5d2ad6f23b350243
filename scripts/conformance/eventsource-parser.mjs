// Prints the events that eventsource-parser reads from a fetch body as JSON, one a line: node eventsource-parser.mjs URL
//
// Its `id` is the field of that one event, not the last event ID, so an event without the field prints none.
import { createParser } from 'eventsource-parser';
const parser = createParser({
  onEvent: ({ event, data, id }) => console.log(JSON.stringify({ event: event ?? 'message', data, id })),
});
// As its README has it: TextDecoder removes the byte order mark.
const decoder = new TextDecoder();
for await (const chunk of (await fetch(process.argv[2])).body) parser.feed(decoder.decode(chunk, { stream: true }));
