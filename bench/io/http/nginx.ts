/**
 * Debian's nginx with its Lua module, as a peer. The module conflicts with Debian's LuaJIT, so that
 * `scripts/setup --peers` unpacks it into `.tools-peers/nginx-lua` (or where WIPPY_PEERS says) and does not install it.
 * @module
 */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { temporaryFolder } from "../../kernel/measurement/command.ts";

const peers = process.env["WIPPY_PEERS"] ?? join(import.meta.dir, "../../../.tools-peers");
const unpacked = join(peers, "nginx-lua");
const modules = "usr/lib/nginx/modules";
const program = [Bun.which("nginx"), "/usr/sbin/nginx"].find((path) => path && existsSync(path));

/** Why nginx cannot be measured; undefined if it can. */
export const nginxIsMissing: string | undefined = program === undefined
  ? "no nginx (scripts/setup --peers)"
  : existsSync(join(unpacked, modules, "ngx_http_lua_module.so"))
  ? undefined
  : "no Lua module of nginx (scripts/setup --peers)";

/** A port that is free now: nginx does not say which one it has chosen. */
function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = server;
  server.stop(true);
  return port;
}

function configuration(port: number, answer: string): string {
  return `
load_module /${modules}/ndk_http_module.so;
load_module ${join(unpacked, modules)}/ngx_http_lua_module.so;
daemon off;
pid nginx.pid;
error_log stderr error;
worker_processes auto;
events { worker_connections 4096; }
http {
  access_log off;
  lua_package_path "${unpacked}/usr/share/lua/5.1/?.lua;;";
  server {
    listen 127.0.0.1:${port} backlog=4096 reuseport;
    keepalive_requests 100000000;
    location / {
      default_type text/plain;
      content_by_lua_block {
        ngx.header["Content-Length"] = ${Buffer.byteLength(answer)}
        ngx.print("${answer}")
      }
    }
  }
}`;
}

/** Where the LuaJIT of the module lies. */
function libraries(): string {
  const all = join(unpacked, "usr/lib");
  return readdirSync(all).map((name) => join(all, name)).join(":");
}

async function listens(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** Runs nginx with one worker per core, which answers every request with a text from Lua, while `use` runs. */
export async function withNginx<Result>(
  answer: string,
  use: (port: number) => Promise<Result>,
): Promise<Result> {
  if (nginxIsMissing !== undefined) throw new Error(nginxIsMissing);
  const [folder, port] = [temporaryFolder(), freePort()];
  writeFileSync(join(folder, "nginx.conf"), configuration(port, answer));
  const child = Bun.spawn([program!, "-p", folder, "-c", "nginx.conf", "-e", "stderr"], {
    env: { ...process.env, LD_LIBRARY_PATH: libraries() },
    stderr: "inherit",
  });
  try {
    while (!await listens(port)) {
      if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
      await Bun.sleep(20);
    }
    return await use(port);
  } finally {
    child.kill();
    await child.exited;
  }
}
