import { expect, test } from "bun:test";
import { inKernel } from "./in-kernel.ts";

test("a PID says its worker, its number there and its host, however often it is asked for", async () => {
  const pid = "{app:processes|0x12345678000c2}";
  const [answers] = await inKernel(`
    local unit, answers = use("kernel/core/unit"), {}
    for _ = 1, 2 do
      for _, pid in ipairs({ "${pid}", "{app:runs|some-id}", "{app:processes|0x123}", "no PID", "" }) do
        local worker, sequence, host = unit.worker_of(pid)
        answers[#answers + 1] = table.concat({ tostring(worker), tostring(sequence), tostring(host) }, " ")
      end
    end
    return answers`);
  const once = [
    "2 3 app:processes",
    "nil nil nil",
    "35 -1 app:processes",
    "nil nil nil",
    "nil nil nil",
  ];
  expect(answers).toEqual([...once, ...once]);
});

test("a host that turns out to be the node's is so for PIDs that were asked for before", async () => {
  const [before, after] = await inKernel(`
    local unit, pid = use("kernel/core/unit"), "{app:runs|0x1234567800041}"
    local before = unit.worker_of(pid)
    unit.add_node_host("app:runs")
    return before, (unit.worker_of(pid))`);
  expect([before, after]).toEqual([1, -1]);
});

test("of many PIDs each is told right", async () => {
  const [wrong] = await inKernel(`
    local unit, wrong = use("kernel/core/unit"), 0
    for _ = 1, 2 do
      for number = 1, 3000 do
        local worker, sequence = unit.worker_of(string.format("{app:processes|0x12345678%05x}", number))
        wrong = wrong + ((worker == number & 63 and sequence == number >> 6) and 0 or 1)
      end
    end
    return wrong`);
  expect(wrong).toBe(0);
});
