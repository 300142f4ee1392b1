import { describe, expect, test } from "bun:test";
import { run, start } from "./counter-server.ts";

describe("server", () => {
  test("calls in turn change the state and reply", async () => {
    expect(
      await run(`${start} server.call(pid, { add = 5 })
        assert(server.cast(pid, "x")) return { server.call(pid, "get"), server.call(pid, "state").casts }`),
    ).toEqual([15, 1]);
  });

  test("an error of the server is the caller's, with its kind", async () => {
    expect(
      await run(
        `${start} local v, e = server.call(pid, "fail") return { v == nil, e:kind(), e:message() }`,
      ),
    )
      .toEqual([true, "Invalid", "odd"]);
  });

  test("a raised error ends the server, and the caller is told", async () => {
    expect(
      await run(`${start} process.monitor(pid)
        local ended = process.listen("ended")
        local _, e = server.call(pid, "crash")
        local exit = process.events():receive()
        return { e:kind(), exit.result.error:kind(), (ended:receive()) }`),
    ).toEqual(["Conflict", "Conflict", ["boom", 10]]);
  });

  test("who is not there is NotFound, at once", async () => {
    expect(
      await run(
        `${start} server.stop(pid) local _, a = server.call(pid, "get") local _, b = server.call("nobody", 1)
        local ok, c = server.cast(pid, 1) return { a:kind(), b:kind(), ok == nil, c:kind() }`,
      ),
    ).toEqual(["NotFound", "NotFound", true, "NotFound"]);
  });

  test("a server that ends before it replied is Unavailable, with the reason", async () => {
    expect(
      await run(`${start} coroutine.spawn(function() time.sleep("10ms") process.terminate(pid) end)
        local _, e = server.call(pid, "never", "5s") return { e:kind(), e:retryable(), e:details().reason.message }`),
    ).toEqual(["Unavailable", true, "process terminated"]);
  });

  test("a reply that is late meets nobody, and no event is taken from the caller", async () => {
    expect(
      await run(`${start} local _, e = server.call(pid, "slow", "5ms")
        time.sleep("100ms")
        local v = server.call(pid, "get")
        process.monitor(pid)
        process.terminate(pid)
        local exit = process.events():receive()
        local r = channel.select{ process.inbox():case_receive(), process.events():case_receive(), default = true }
        return { e:kind(), e:retryable(), v, exit.kind, r.default }`),
    ).toEqual(["Timeout", true, 10, "pid.exit", true]);
  });

  test("a reply may come from a later callback", async () => {
    expect(
      await run(`${start} local got = channel.new(1)
        coroutine.spawn(function() got:send((server.call(pid, "later"))) end)
        time.sleep("5ms") server.cast(pid, "answer") return got:receive()`),
    ).toBe("answered");
  });

  test("coroutines of one process each get their own reply", async () => {
    expect(
      await run(`${start} local done, sum = channel.new(50), 0
        for i = 1, 50 do coroutine.spawn(function() done:send((server.call(pid, { add = 1 }))) end) end
        for i = 1, 50 do sum = sum + done:receive() end return sum`),
    ).toBe(50 * 10 + 50 * 51 / 2);
  });

  test("init that fails or raises is the starter's error", async () => {
    expect(
      await run(`local a, e = server.start("app:counter", "app:processes", "refuse")
        local b, f = server.start_link("app:counter", "app:processes", "raise")
        return { a == nil, e:kind(), b == nil, f:message():match("no start") }`.replace(
        "local a",
        "process.set_options{ trap_links = true } local a",
      )),
    ).toEqual([true, "Conflict", true, "no start"]);
  });

  test("handle_info gets other messages and events; timeouts and continue", async () => {
    expect(
      await run(`${start} process.send(pid, "hello") local a = server.call(pid, "state").info
        local idle = process.spawn("app:idle", "app:processes")
        process.send(pid, "monitor", idle) server.call(pid, "get") process.send(idle, "end") time.sleep("10ms")
        local b = server.call(pid, "state")
        server.call(pid, "continue") local n = server.call(pid, "get")
        server.call(pid, "idle") time.sleep("30ms")
        return { a, b.info, b.gone == idle, n, server.call(pid, "state").idle }`),
    ).toEqual(["hello", "pid.exit", true, 15, true]);
  });

  test("stop, finish and cancel call terminate", async () => {
    const said = (how: string) =>
      run(`${start} local ended = process.listen("ended") process.monitor(pid) ${how}
        local exit = process.events():receive()
        local reason = ended:receive()[1]
        return { reason, exit.result.error and exit.result.error:message() }`);
    expect(await said("assert(server.stop(pid))")).toEqual(["normal"]);
    expect(await said('assert(server.stop(pid, "worn out"))')).toEqual(["worn out", "worn out"]);
    expect(await said('assert(server.call(pid, "stop") == "bye")')).toEqual(["normal"]);
    expect(await said("process.cancel(pid)")).toEqual(["cancel"]);
  });

  test("multi_call gives each answer or error", async () => {
    expect(
      await run(`${start} local other = assert(server.start("app:counter", "app:processes", 1))
        local values, errs = server.multi_call({ pid, other, "nobody" }, "get")
        return { values[pid], values[other], errs.nobody:kind() }`),
    ).toEqual([10, 1, "NotFound"]);
  });

  test("wrong arguments name their position", async () => {
    const message = async (call: string) =>
      String(await run(`local ok, e = pcall(function() ${call} end) return tostring(e)`));
    expect(await message("server.call(1)")).toContain(
      "bad argument #1 to 'call' (string expected, got number)",
    );
    expect(await message('server.call("a", 1, "soon")')).toContain("bad argument #3 to 'call'");
    expect(await message("server.run(1)")).toContain("bad argument #1 to 'run'");
    expect(await message("sys.get_state()")).toContain("bad argument #1 to 'get_state'");
  });

  test("across workers, also when the server's end is the answer", async () => {
    expect(
      await run(
        `for _ = 1, 80 do process.spawn("app:idle", "app:processes") end time.sleep("300ms")
        local function worker(p) return tonumber(p:match("0x(%x+)"), 16) & 63 end
        local pid repeat pid = assert(server.start("app:counter", "app:processes", 1)) time.sleep("1ms")
        until worker(pid) ~= worker(process.pid())
        local n = server.call(pid, { add = 1 })
        local _, crash = server.call(pid, "crash")
        local _, gone = server.call(pid, "get")
        return { n, crash:kind(), gone:kind() }`,
        {},
        2,
      ),
    ).toEqual([2, "Conflict", "NotFound"]);
  });
});
