import { expect, test } from "bun:test";
import { numbersOf } from "../../../../src/worker/shared-memory.ts";
import { makeVm } from "../make_vm.ts";

test("the numbers of units that have ended are those of their PIDs, in order, until they are taken", async () => {
  const vm = await makeVm();
  const taken: number[][] = [];
  vm.register("taken", (address, count) => {
    taken.push(numbersOf(vm.view(Number(address), Number(count) * 8)));
  });
  vm.load(
    `local function note(...)
      for _, pid in ipairs({ ... }) do host.note_gone(pid) end
    end
    note("{app:p|0x1234567800041}", "{a:b#lua.1|0x89abcdef00fc2}", "{" .. ("h"):rep(60) .. "|0x01234567400000000003f}")
    host.taken(host.take_gone())
    host.taken(host.take_gone())
    note("no PID", "{h|0x12345678}", "{h|0x1234}", "{h|c0123456789abcdef}", "")
    host.note_gone()
    host.note_gone(7)
    host.taken(host.take_gone())
    for i = 1, 70000 do host.note_gone(string.format("{h|0x00000000%05x}", i * 64)) end
    host.taken(host.take_gone())
    note("{h|0x0000000000080}")
    host.taken(host.take_gone())
    note("{h|0x00000000000c0}")
    host.taken(host.take_gone())`,
    "=test",
  );
  expect(taken.slice(0, 3)).toEqual([[1, 63, 2 ** 44], [], []]);
  expect(taken[3]).toEqual(Array.from({ length: 70_000 }, (_, i) => i + 1));
  expect(taken.slice(4)).toEqual([[2], [3]]);
});
