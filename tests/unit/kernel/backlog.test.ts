import { describe, expect, test } from "bun:test";
import { inKernel } from "./in-kernel.ts";

/** What `scheduler.run` says of the work that waits, turn by turn, with so many units of each kind. */
async function backlogs(units: string, turns: number): Promise<number[]> {
  let milliseconds = 0;
  const [told] = await inKernel(
    `local scheduler, unit = use("kernel/core/scheduler"), use("kernel/core/unit")
    scheduler.set_slice()
    local number = 0
    function host.random_digits(n) return string.rep("0", n) end
    local function add(count, main)
      for _ = 1, count do
        number = number + 1
        local pid = unit.pid_at("app:host", number, 0)
        local self = {
          pid = pid, entry = { id = "app:unit" }, context = { kind = "process", ended = function() end }, steps = 0, ended = false }
        local co
        co = coroutine.create(function() main(co) end)
        unit.start(self, co)
      end
    end
    -- Code of the kernel is not interrupted.
    local passing, endless, finite = load([[
      local scheduler = ...
      -- Is runnable again at once, as one that gets a message, after so many rounds of work.
      local function passing(rounds)
        return function(co)
          while true do
            for _ = 1, rounds do end
            scheduler.ready(co)
            scheduler.park()
          end
        end
      end
      local function endless()
        while true do end
      end
      local function finite()
        for _ = 1, 1000000 do end
      end
      return passing, endless, finite]], "=app:unit")(scheduler)
    ${units}
    local told = {}
    for turn = 1, ${turns} do
      told[turn] = scheduler.run() or -1
    end
    return table.concat(told, " ")`,
    () => milliseconds++,
  );
  return String(told).split(" ").map(Number);
}

describe("the work that waits", () => {
  test("is nothing where units only pass messages on", async () => {
    expect(await backlogs("add(3000, passing(1))", 5)).toEqual([0, 0, 0, 0, 0]);
  });

  test("is a slice for each unit that has spent one, whoever else waits", async () => {
    const told = await backlogs("add(500, passing(1)) add(3, endless)", 200);
    expect([told[0], told.at(-1)]).toEqual([0, 15_000]);
    expect((await backlogs("add(3, endless)", 4)).at(-1)).toBe(15_000);
  });

  test("ends when they have ended", async () => {
    const told = await backlogs("add(2, finite)", 400);
    expect(told).toContain(10_000);
    expect(told.at(-1)).toBe(-1);
  });

  test("counts steps that take longer than a message to another worker", async () => {
    const [first] = await backlogs("add(1000, passing(10000))", 1);
    expect(first).toBeGreaterThan(100_000);
  });
});
