// Prints the events of @microsoft/fetch-event-source as JSON, one a line: node fetch-event-source.mjs URL
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
globalThis.window = globalThis;
const { fetchEventSource } = await import('@microsoft/fetch-event-source');
await fetchEventSource(process.argv[2], {
  onmessage: ({ event, data, id }) => console.log(JSON.stringify({ event: event || 'message', data, id })),
  onclose: () => { throw new Error('reconnect'); },
});
