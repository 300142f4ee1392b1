import type { Code, StartOptions } from "../application.ts";
import { type Parts, startWeb, type Web } from "./web.ts";

/** A process that logs what it gets, and does what a message of the topic `do` says. */
export const target: Code = {
  modules: ["json", "time"],
  source: `
local json, time = require("json"), require("time")
local function main(trap)
  if trap then process.set_options({ trap_links = true }) end
  local inbox, events = process.inbox(), process.events()
  while true do
    local got = channel.select({ inbox:case_receive(), events:case_receive() })
    if got.channel == events then
      local event = got.value
      if event.kind == process.event.CANCEL then return end
      local result = event.result or {}
      print((json.encode({ event = event.kind, from = event.from, value = result.value,
        error = result.error and result.error:message() })))
    else
      local message = got.value
      local topic, data = message:topic(), message:payload():data()
      if topic == "end" then return "ended" end
      if topic == "fail" then error("failed") end
      if topic == "do" then
        local f = process[data[1]]
        local ok, err = f(table.unpack(data, 2))
        print((json.encode({ did = data[1], ok = ok and true or false, kind = err and err:kind(),
          error = err and err:message() })))
      else
        print((json.encode({ topic = topic, from = message:from(), data = data })))
      end
    end
  end
end
return { main = main }`,
};

/** What a target has logged. */
export interface Logged {
  topic?: string;
  from?: string;
  data?: Record<string, unknown> | string;
  event?: string;
  value?: unknown;
  error?: string;
  did?: string;
  ok?: boolean;
  kind?: string;
}

/** A server with relays whose function asks for what the query says. */
export interface RelayWeb extends Web {
  /** PID of a process `target`. */
  pid: string;
  /** What targets have logged. */
  logged(): Logged[];
  /** Sends the target a message. */
  tell(topic: string, value: unknown, to?: string): Promise<void>;
  /** Has the target call a function of `process`. */
  act(name: string, ...args: unknown[]): Promise<void>;
  /** What the server shows of itself. */
  inspect(): Promise<{ connections: { websocket: number; sse: number; open: unknown[] } }>;
}

/** Starts a server whose `GET /open?header=…` sets the header of a relay. */
export async function startRelay(
  header: string,
  parts: Parts = {},
  options: StartOptions = {},
): Promise<RelayWeb> {
  const { router = {}, routes = {}, functions = {}, processes = {}, ...rest } = parts;
  const web = await startWeb({
    ...rest,
    router: { post_middleware: ["websocket_relay", "sse_relay"], ...router },
    routes: {
      "GET /open": `
        if req:query("status") then res:set_status(tonumber(req:query("status"))) end
        res:set_header("${header}", req:query("settings"))
        if req:query("body") then res:write("own") end`,
      ...routes,
    },
    processes: { target, ...processes },
    functions: {
      spawn: {
        modules: [],
        source: `local function main(trap)
            local pid, err = process.spawn("app:target", "app:processes", trap)
            return pid or error(err)
          end
          return { main = main }`,
      },
      ...functions,
    },
  }, options);
  const { application } = web;
  const pid = String(await application.call("spawn", true));
  const { control } = application.node;
  return {
    ...web,
    pid,
    logged: () => application.logged("target").map((text) => JSON.parse(text) as Logged),
    tell: (topic, value, to = pid) => control.send(to, topic, [value as never]),
    act: (name, ...args) => control.send(pid, "do", [[name, ...args] as never]),
    inspect: async () =>
      await control.inspectService("app:web") as Awaited<ReturnType<RelayWeb["inspect"]>>,
  };
}

/** The path that asks for these settings. */
export function openPath(settings: unknown, more = ""): string {
  const text = typeof settings === "string" ? settings : JSON.stringify(settings);
  return `/open?settings=${encodeURIComponent(text)}${more}`;
}
