// A server of express by hand, an event every 200 ms: node express.mjs PORT [compression]
import express from 'express';
const app = express();
if (process.argv[3] === 'compression') app.use((await import('compression')).default());
app.get('/', (request, response) => {
  response.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  response.flushHeaders();
  let n = Number(request.get('Last-Event-ID')) || 0;
  const timer = setInterval(() => response.write(`id: ${++n}\ndata: event ${n}\n\n`), 200);
  request.on('close', () => clearInterval(timer));
});
app.listen(Number(process.argv[2]), '127.0.0.1');
