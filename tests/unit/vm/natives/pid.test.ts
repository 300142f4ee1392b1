import { expect, test } from "bun:test";
import { makeVm, run } from "../make_vm.ts";

test("the native text of a PID is what string.format makes", async () => {
  const vm = await makeVm();
  expect(run(
    vm,
    `local secrets = {}
    for i = 1, 256 do secrets[i] = string.format("%08x", i * 16777619 & 0xffffffff) end
    secrets = table.concat(secrets)
    local differences = {}
    for i = 1, 2000 do
      local number = (i * 2654435761 & 0xffffffff) >> (i % 32) << (i % 24)
      local prefix, at = "{" .. ("h"):rep(i % 36) .. "|0x", i % 256 * 8 + 1
      local expected = string.format("%s%s%05x}", prefix, secrets:sub(at, at + 7), number)
      if host.pid_text(prefix, secrets, at, number) ~= expected then
        differences[#differences + 1] = expected
      end
    end
    return #differences,
      host.pid_text("{h|0x", secrets, 1, 0), host.pid_text("{h|0x", secrets, 9, -1)`,
  )).toEqual([0, "{h|0x0100019300000}", "{h|0x02000326ffffffffffffffff}"]);
});

test.each([
  ["a long prefix", "('h'):rep(41), secrets, 1, 1"],
  ["secrets that end before", "'h', secrets, 95, 1"],
  ["short secrets", "'h', 'secret', 1, 1"],
  ["no number", "'h', secrets, 1, 1.5"],
  ["too few arguments", "'h', secrets, 1"],
])("the native leaves %s to Lua", async (_, args) => {
  const vm = await makeVm();
  expect(run(
    vm,
    `local secrets = ("0"):rep(100) return select("#", host.pid_text(${args}))`,
  )).toEqual([0]);
});
