import { describe, expect, test } from "bun:test";
import { run, start } from "./counter-server.ts";

describe("sys", () => {
  test("get and replace state", async () => {
    expect(
      await run(`${start} sys.replace_state(pid, { n = 77, casts = 0 })
        return { sys.get_state(pid).n, server.call(pid, "get") }`),
    ).toEqual([77, 77]);
  });

  test("a suspended server keeps what comes, in order", async () => {
    expect(
      await run(`${start} sys.suspend(pid)
        for i = 1, 3 do server.cast(pid, i) end
        local _, e = server.call(pid, "get", "10ms")
        local s = sys.get_status(pid)
        sys.resume(pid)
        return { e:kind(), s.status, s.waiting, server.call(pid, "state").casts, sys.get_status(pid).status }`),
    ).toEqual(["Timeout", "suspended", 4, 3, "running"]);
  });

  test("statistics count from when they are switched on", async () => {
    expect(
      await run(`${start} local _, off = sys.statistics(pid)
        server.call(pid, "get") sys.statistics(pid, true)
        server.call(pid, "get") server.cast(pid, 1)
        local s = sys.statistics(pid)
        sys.statistics(pid, false)
        return { off:kind(), s.messages_in, s.replies_out, math.type(s.since) == "integer", select(2, sys.statistics(pid)):kind() }`),
    ).toEqual(["Invalid", 2, 1, true, "Invalid"]);
  });

  test("an upgrade keeps PID, state and callers", async () => {
    expect(
      await run(
        `${start} server.call(pid, { add = 1 }) sys.upgrade(pid) return { server.call(pid, "get") }`,
      ),
    ).toEqual([11]);
  });
});
