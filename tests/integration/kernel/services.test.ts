import { expect, test } from "bun:test";
import { main, startApplication } from "../application.ts";
import { until } from "../../until.ts";

const service = (fields: Record<string, unknown>) => ({
  kind: "process.service",
  host: "app:processes",
  ...fields,
});
const restart = { initial_delay: "1ms", max_delay: "2ms", jitter: -1 };

/** A process that collects what it is told under the name `book`, which a function asks for. */
const book = main(`process.registry.register("book")
  local inbox, lines, waiting = process.inbox(), {}, nil
  while true do
    local m = inbox:receive()
    if m:topic() == "line" then table.insert(lines, m:payload():data())
    else waiting = m end
    if waiting and #lines >= waiting:payload():data() then
      process.send(waiting:from(), "lines", lines)
      waiting = nil
    end
  end`);
const ask = main(`local lines = process.listen("lines")
  assert(process.send("book", "ask", ...))
  return lines:receive()`);
const say =
  'local function say(line) while not process.send("book", "line", line) do time.sleep("1ms") end end\n';
const base = {
  book_service: service({
    process: "book",
    lifecycle: { auto_start: true, stop_timeout: "5ms" },
  }),
};

test("a service gets its input and is restarted with a new PID when it raises", async () => {
  const app = await startApplication({
    entries: {
      ...base,
      s_service: service({
        process: "s",
        input: ["in", 2],
        lifecycle: { auto_start: true, restart },
      }),
    },
    functions: { ask },
    processes: { book, s: main(`${say} say({ process.pid(), ... }) error("again")`) },
  });
  const lines = await app.call("ask", 3) as unknown[][];
  expect(lines.map(([, ...input]) => input)).toEqual([["in", 2], ["in", 2], ["in", 2]]);
  expect(new Set(lines.map(([pid]) => pid)).size).toBe(3);
});

test("a returned text is for good, a retryable Error is not", async () => {
  const app = await startApplication({
    entries: {
      ...base,
      text_service: service({ process: "text", lifecycle: { auto_start: true, restart } }),
      retry_service: service({ process: "retry", lifecycle: { auto_start: true, restart } }),
    },
    functions: { ask },
    processes: {
      book,
      text: main(`${say} say("text") return nil, "for good"`),
      retry: main(`${say} say("retry") return nil, errors.new{ message = "m", retryable = true }`),
    },
  });
  const lines = await app.call("ask", 5) as string[];
  expect(lines.filter((line) => line === "text")).toEqual(["text"]);
  expect(app.logs.map(({ message }) => message)).toContain("service app:text_service is exited");
});

test("stopping asks a service to cancel, and waits for its work", async () => {
  const app = await startApplication({
    entries: { s_service: service({ process: "s", lifecycle: { auto_start: true } }) },
    functions: { ready: main('return (process.registry.lookup("s")) ~= nil') },
    processes: {
      s: main(`process.registry.register("s")
        local e = process.events():receive()
        time.sleep("5ms")
        print(e.kind, e.reason)`),
    },
  });
  await until(async () => await app.call("ready"));
  await app.stop();
  expect(app.logged("s")).toEqual(["pid.cancel service stopping"]);
});

test("a service that ignores its cancel is ended after its stop timeout", async () => {
  const app = await startApplication({
    entries: {
      s_service: service({ process: "s", lifecycle: { auto_start: true, stop_timeout: "5ms" } }),
    },
    processes: { s: main('time.sleep("1h")') },
  });
  await app.stop();
  expect(app.logs.map(({ message }) => message)).toContain("service app:s_service is failed");
});

test("a service that cannot be spawned is exited and does not stop the runtime", async () => {
  const app = await startApplication({
    entries: { s_service: service({ process: "s", lifecycle: { auto_start: true, restart } }) },
    functions: { works: "return function() return true end" },
    processes: { s: "return {}" },
  });
  expect(await app.call("works")).toBe(true);
  expect(app.logs.map(({ message }) => message)).toContain("service app:s_service is exited");
});

test("a host that stops cancels its processes", async () => {
  const app = await startApplication({
    functions: {
      start: main(`process.spawn("app:p", "app:processes", process.pid())
        return process.listen("up"):receive()`),
    },
    processes: {
      p: main(`local events = process.events()
        process.send(..., "up", true)
        local e = events:receive()
        print(e.from, e.reason)`),
    },
  });
  expect(await app.call("start")).toBe(true);
  await app.stop();
  expect(app.logged("p")).toEqual(["{|} scheduler shutdown"]);
});
