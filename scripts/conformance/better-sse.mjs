// A server of better-sse, an event every 200 ms: node better-sse.mjs PORT
import { createServer } from 'node:http';
import { createSession } from 'better-sse';
createServer(async (request, response) => {
  const session = await createSession(request, response);
  let n = Number(session.lastId) || 0;
  const timer = setInterval(() => session.push(`event ${++n}`, 'message', String(n)), 200);
  session.on('disconnected', () => clearInterval(timer));
}).listen(Number(process.argv[2]), '127.0.0.1');
