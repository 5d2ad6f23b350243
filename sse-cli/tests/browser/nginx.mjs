// nginx with a configuration of a test.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { temporary, until } from "./support.mjs";

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

/** Starts nginx with one `server { }`, whose text `server(port)` gives; stops with the test `t`. */
export async function nginx(t, server) {
  const [port, directory] = [await freePort(), temporary()];
  const file = join(directory, "nginx.conf");
  writeFileSync(file, `
    daemon off; pid nginx.pid; error_log stderr error; events {}
    http {
      access_log off;
      client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
      server { ${server(port)} }
    }`);
  const child = spawn("nginx", ["-p", directory, "-c", file], { stdio: "inherit" });
  t.after(() => child.kill());
  await until("nginx is up", () => new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => { socket.destroy(); resolve(true); });
    socket.on("error", () => resolve(false));
  }));
  return { port };
}
