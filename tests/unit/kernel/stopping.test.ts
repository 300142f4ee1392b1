import { expect, test } from "bun:test";
import { inKernel } from "./in-kernel.ts";

test("where memory is short, only those hear of a stop that have looked at their events", async () => {
  const told = await inKernel(`
    local room, stopping = use("kernel/processes/room"), use("kernel/processes/stopping")
    local unit = use("kernel/core/unit")
    local function told(short)
      room.is_short = function() return short end
      local found = {}
      for name, opened in pairs({ looks = true, never = false }) do
        local self = { pid = name, context = { kind = "process" }, events_opened = opened }
        unit.by_pid[name] = self
        found[#found + 1] = self
      end
      assert(stopping.cancel_all(nil, "stop") == 2)
      local names = {}
      for _, self in ipairs(found) do
        names[#names + 1] = self.events and self.pid or nil
        unit.by_pid[self.pid] = nil
      end
      table.sort(names)
      return table.concat(names, " ")
    end
    return told(false), told(true)`);
  expect(told).toEqual(["looks never", "looks"]);
});
