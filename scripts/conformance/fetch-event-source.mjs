// Prints the events of @microsoft/fetch-event-source as JSON, one a line: node fetch-event-source.mjs URL
//
// Everything is as the package has it by default, except that `onclose` throws, which its README gives for reconnecting after the end of
// a response. Its `id` is the field of that one event, not the last event ID, so an event without the field prints none.
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
globalThis.window = globalThis;
const { fetchEventSource } = await import('@microsoft/fetch-event-source');
await fetchEventSource(process.argv[2], {
  onmessage: ({ event, data, id }) => console.log(JSON.stringify({ event: event || 'message', data, id: id || undefined })),
  onclose: () => { throw new Error('reconnect'); },
});
