import { describe, expect, test } from "bun:test";
import { main, startApplication } from "../application.ts";

async function run(body: string, host: Record<string, number>, workers = 1): Promise<unknown> {
  const app = await startApplication({
    entries: {
      small: { kind: "process.host", host, lifecycle: { auto_start: true } },
    },
    processes: {
      idle: main("process.inbox():receive()"),
      deaf: main("process.events():receive()"),
      broken: 'error("does not load")',
      main: main(body),
    },
    functions: {
      start: 'return { main = function() return process.exec("app:main", "app:processes") end }',
    },
  }, { workers });
  return await app.call("start");
}

describe("limits of a host", () => {
  test("processes: one more is refused until one has ended", async () => {
    expect(
      await run(
        `local pids = {}
        for i = 1, 3 do pids[i] = assert(process.spawn("app:idle", "app:small")) end
        local none, err = process.spawn("app:idle", "app:small")
        local _, broken = process.spawn("app:broken", "app:small")
        process.terminate(pids[2]) coroutine.yield()
        local again = process.spawn("app:idle", "app:small")
        local _, exec = process.exec("app:idle", "app:small")
        return { none == nil, err:kind(), err:message(), err:retryable(), err:details().limit, broken:kind(), again ~= nil,
          exec:message() }`,
        { max_processes: 3 },
      ),
    ).toEqual([
      true,
      "LimitExceeded",
      "host app:small has its limit of 3 processes",
      true,
      3,
      "Internal",
      true,
      "exec failed: host app:small has its limit of 3 processes",
    ]);
  });

  test("mailbox: who sends more is refused, and can send again when something was read", async () => {
    expect(
      await run(
        `local pid = process.spawn("app:deaf", "app:small")
        local sent = 0
        local err
        repeat local ok ok, err = process.send(pid, "t", sent) if ok then sent = sent + 1 end until not ok
        local cancelled = process.cancel(pid)
        return { sent, err:kind(), err:retryable(), err:message():match("mailbox full: {app:small|.*} %(limit 5%)") ~= nil,
          cancelled }`,
        { max_mailbox: 5 },
      ),
    ).toEqual([5, "Unavailable", true, true, true]);
  });

  test("message size", async () => {
    expect(
      await run(
        `local pid = process.spawn("app:deaf", "app:small")
        local text, err = process.send(pid, "t", ("x"):rep(2000))
        local list = {} for i = 1, 100 do list[i] = { "some text" } end
        local _, deep = process.send(pid, "t", 1, list)
        return { text == nil, err:kind(), err:message(), deep:kind(), process.send(pid, "t", "short", { 1, 2 }) }`,
        { max_message_size: 1000 },
      ),
    ).toEqual([
      true,
      "Invalid",
      "message too large: 2000 bytes or more (host app:small allows 1000)",
      "Invalid",
      true,
    ]);
  });

  test("they hold across workers", async () => {
    expect(
      await run(
        `local function elsewhere(pid)
          return tonumber(pid:match("0x(%x+)"), 16) & 63 ~= tonumber(process.pid():match("0x(%x+)"), 16) & 63
        end
        for _ = 1, 80 do process.spawn("app:idle", "app:processes") end
        repeat
          time.sleep("1ms")
        until elsewhere(process.spawn("app:idle", "app:processes"))
        local live, refused, away = {}, 0, 0
        for _ = 1, 150 do
          local pid = process.spawn("app:deaf", "app:small")
          if pid then live[#live + 1] = pid else refused = refused + 1 end
        end
        local full = 0
        for _, pid in ipairs(live) do
          if elsewhere(pid) then away = away + 1 end
          for i = 1, 3 do
            local ok, err = process.send(pid, "t", i)
            if i == 3 and not ok and err:kind() == "Unavailable" then full = full + 1 end
          end
        end
        return { #live, refused, full, away > 0 }`,
        { max_processes: 100, max_mailbox: 2 },
        2,
      ),
    ).toEqual([100, 50, 100, true]);
  });

  test("a negative limit is refused", async () => {
    expect(await run("", { max_processes: -1 }).catch(String)).toContain(
      "max processes must be greater than 0",
    );
  });
});
