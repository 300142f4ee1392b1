import { main, startApplication } from "../application.ts";

const counter = {
  modules: ["server", "time"],
  source: `local server = require("server")
local callbacks = { version = 1 }
function callbacks.init(start, other)
  if start == "raise" then error("no start") end
  if start == "refuse" then return nil, errors.new{ message = "refused", kind = errors.CONFLICT } end
  return { n = start or 0, casts = 0, last = other }
end
function callbacks.handle_call(request, from, state)
  if request == "get" then return server.reply(state.n, state) end
  if request == "state" then return server.reply(state, state) end
  if request == "fail" then return server.fail(errors.new{ message = "odd", kind = errors.INVALID }, state) end
  if request == "crash" then error(errors.new{ message = "boom", kind = errors.CONFLICT }) end
  if request == "later" then state.waiting = from return server.noreply(state) end
  if request == "never" then return server.noreply(state) end
  if request == "slow" then time.sleep("60ms") return server.reply("late", state) end
  if request == "stop" then return server.finish(nil, state, "bye") end
  if request == "idle" then return server.reply(true, state, { timeout = "5ms" }) end
  if request == "continue" then return server.reply(true, state, { continue = 5 }) end
  if type(request) == "table" then
    state.n = state.n + request.add
    return server.reply(state.n, state)
  end
end
function callbacks.handle_cast(request, state)
  state.casts = state.casts + 1
  if request == "answer" then server.answer(state.waiting, "answered") end
  return state
end
function callbacks.handle_continue(value, state) state.n = state.n + value return state end
function callbacks.handle_timeout(state) state.idle = true return state end
function callbacks.handle_info(info, state)
  state.info = info.kind or info:topic()
  if info.kind == process.event.EXIT then state.gone = info.from end
  if type(info) ~= "table" and info:topic() == "monitor" then process.monitor(info:payload():data()) end
  return state
end
function callbacks.terminate(reason, state)
  if state.last then process.send(state.last, "ended", type(reason) == "string" and reason or reason:message(), state.n) end
end
return { main = function(...) return server.run(callbacks, ...) end }`,
};

/** Runs Lua code in a process beside a server that counts; returns what the code returns. */
export async function run(body: string, processes = {}, workers = 1): Promise<unknown> {
  const app = await startApplication({
    processes: {
      counter,
      idle: main("process.inbox():receive()"),
      main: {
        modules: ["server", "sys", "time"],
        source: `local server, sys = require("server"), require("sys")
        return { main = function() ${body} end }`,
      },
      ...processes,
    },
    functions: {
      start: 'return { main = function() return process.exec("app:main", "app:processes") end }',
    },
  }, { workers });
  return await app.call("start");
}

/** Starts the server with 10: the local `pid`. */
export const start =
  `local pid = assert(server.start("app:counter", "app:processes", 10, process.pid()))\n`;
