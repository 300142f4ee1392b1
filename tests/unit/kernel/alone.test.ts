import { expect, test } from "bun:test";
import { inKernel } from "./in-kernel.ts";

test("runs that begin take no new queue each", async () => {
  const [order, kilobytes] = await inKernel(`
    local scheduler, unit = use("kernel/core/scheduler"), use("kernel/core/unit")
    local order = {}
    local function begin(name)
      local self = { pid = name, entry = { id = name }, context = { kind = "process", ended = function() end }, frame = {} }
      unit.admit(self)
      return scheduler.run_alone(nil, 0, function()
        unit.run(self, coroutine.create(function()
          order[#order + 1] = name
        end))
      end)
    end
    local function complete(rest)
      assert(rest)
      assert(not scheduler.run_alone(rest, 1))
    end
    -- Two that have begun do not share one.
    local one, other = begin("one"), begin("other")
    complete(other)
    complete(one)
    collectgarbage()
    collectgarbage("stop")
    local before = collectgarbage("count")
    for i = 1, 20 do
      complete(begin("run" .. i))
    end
    local more = collectgarbage("count") - before
    collectgarbage("restart")
    return table.concat(order, " ", 1, 3), more / 20`);
  expect(order).toBe("other one run1");
  // A queue has room for a thousand.
  expect(kilobytes).toBeLessThan(8);
});
