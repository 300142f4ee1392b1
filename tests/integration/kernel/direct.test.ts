import { describe, expect, test } from "bun:test";
import { Simulation } from "../../../src/platform/simulation.ts";
import { type Code, main, startApplication } from "../application.ts";

const seeds = Number(process.env["WIPPY_RUNS"] ?? 12);
const firstSeed = Number(process.env["WIPPY_SEED"] ?? 1);

/** Milliseconds of one test, on a busy machine. */
const timeout = 10_000 + seeds * 1000;

const worker = `local function worker(pid) return tonumber(pid:match("|0x(%x+)}"), 16) & 63 end
`;

/** Runs `app:start` on three simulated workers, once for each seed: its values. */
async function everySeed(processes: Record<string, Code>, start: string): Promise<unknown[]> {
  const values: unknown[] = [];
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const application = await startApplication({
      functions: { start: { source: main(start), modules: ["pg", "time", "funcs"] } },
      processes,
      entries: { groups: { kind: "pg.scope" } },
    }, { simulation: new Simulation({ seed }), workers: 3 });
    values.push(await application.call("start"));
    await application.stop();
  }
  return values;
}

const receiver = main(`local parent = ...
  local inbox = process.inbox()
  local first = inbox:receive()
  process.send(parent, "first", first:payload():data())
  inbox:receive()`);

describe("three workers that talk to each other directly", () => {
  test("who is told of a PID can use it, though its process is still to be started", async () => {
    const values = await everySeed(
      {
        receiver,
        // Spawns, and tells another process, which lives anywhere.
        spawner: main(`local parent, teller = ...
        -- The first one is spawned where the spawner lives, as its code has not run there.
        process.spawn("app:receiver", "app:processes", parent)
        for i = 1, 6 do
          local pid = assert(process.spawn("app:receiver", "app:processes", parent))
          process.send(teller, "pid", pid)
        end
        process.inbox():receive()`),
        teller: main(`local parent = ...
        local inbox = process.inbox()
        for i = 1, 6 do
          local pid = inbox:receive():payload():data()
          local sent = process.send(pid, "hello", "hello")
          local watched, why = process.monitor(pid)
          process.send(parent, "used", sent == true and watched == true or why:message())
        end
        inbox:receive()`),
      },
      `${worker}
      local first, used = process.listen("first"), process.listen("used")
      local me = process.pid()
      local workers = {}
      for round = 1, 4 do
        local teller = assert(process.spawn("app:teller", "app:processes", me))
        local spawner = assert(process.spawn("app:spawner", "app:processes", me, teller))
        workers[worker(teller) .. " " .. worker(spawner)] = true
        for i = 1, 6 do
          local ok = used:receive()
          assert(ok == true, ok)
          assert(first:receive() == "hello")
        end
      end
      return next(workers) ~= nil`,
    );
    expect(values).toEqual(Array(seeds).fill(true));
  }, timeout);

  test("what a process sends through the node and directly arrives in its order", async () => {
    const values = await everySeed(
      {
        member: {
          modules: ["pg", "time", "funcs"],
          source: main(`local parent = ...
        local scope = assert(require("pg").open("app:groups"))
        scope:join("all")
        process.send(parent, "up")
        local inbox, last, wrong = process.inbox(), 0, 0
        while last < 20 do
          local n = inbox:receive():payload():data()
          if n ~= last + 1 then wrong = wrong + 1 end
          last = n
        end
        process.send(parent, "wrong", wrong)
        inbox:receive()`),
        },
      },
      `local up, wrong = process.listen("up"), process.listen("wrong")
      local scope = assert(require("pg").open("app:groups"))
      local pids = {}
      for i = 1, 6 do pids[i] = assert(process.spawn("app:member", "app:processes", process.pid())) end
      for _ = 1, 6 do up:receive() end
      for n = 1, 20 do
        if n % 3 == 0 then
          scope:broadcast("all", "n", n)
        else
          for i = 1, 6 do process.send(pids[i], "n", n) end
        end
      end
      local sum = 0
      for _ = 1, 6 do sum = sum + wrong:receive() end
      return sum`,
    );
    expect(values).toEqual(Array(seeds).fill(0));
  }, timeout);
});
