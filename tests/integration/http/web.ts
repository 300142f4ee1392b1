import { connect } from "node:net";
import { until } from "../../until.ts";
import {
  type Code,
  type Sources,
  startApplication,
  type StartOptions,
  type TestApplication,
} from "../application.ts";

/** A function of an endpoint: `req` and `res` are at hand. */
export function handler(body: string, modules: string[] = []): Code {
  return {
    modules: ["http", "json", "time", "funcs", "security", "ctx", ...modules],
    source: `
local http, json, time, funcs = require("http"), require("json"), require("time"), require("funcs")
local function main(...)
  local req, res = http.request(), http.response()
${body}
end
return { main = main }`,
  };
}

/** An application whose server listens. */
export interface Web {
  application: TestApplication;
  /** Where it listens, without a path. */
  url: string;
  port: number;
}

/** What a server of a test is made of. */
export interface Parts extends Sources {
  /** `METHOD /path` to the body of the function that serves it. */
  routes?: Record<string, string | Code>;
  /** Fields of the server and the router. */
  server?: Record<string, unknown>;
  router?: Record<string, unknown>;
}

/**
 * Starts an application with a server, a router and these routes.
 *
 * @param options with `threads: false` requests are taken on the node's thread
 */
export async function startWeb(
  parts: Parts,
  options: StartOptions = { threads: true },
): Promise<Web> {
  const { routes = {}, server = {}, router = {}, ...rest } = parts;
  const entries: Record<string, Record<string, unknown>> = {
    web: { kind: "http.service", addr: "127.0.0.1:0", lifecycle: { auto_start: true }, ...server },
    main: { kind: "http.router", meta: { server: "web" }, ...router },
    ...rest.entries,
  };
  const functions: Record<string, Code> = { ...rest.functions };
  for (const [index, [route, code]] of Object.entries(routes).entries()) {
    const [method, path] = route.split(" ");
    entries[`e${index}`] = {
      kind: "http.endpoint",
      meta: { router: "main" },
      method,
      path,
      func: `f${index}`,
    };
    functions[`f${index}`] = typeof code === "string" ? handler(code) : code;
  }
  const application = await startApplication({ ...rest, entries, functions }, options);
  const { message } = await until(() =>
    application.logs.find((record) => record.message.startsWith("listening on "))
  );
  const url = message.slice("listening on ".length);
  return { application, url, port: Number(new URL(url).port) };
}

/** Sends bytes to a server, and returns all that comes until it ends the connection. */
export function exchangeRaw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(Buffer.from(text, "latin1")));
    socket.on("data", (data) => {
      received += data.toString("latin1");
    });
    socket.on("close", () => resolve(received));
    socket.on("error", reject);
  });
}
