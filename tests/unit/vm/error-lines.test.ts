import { expect, test } from "bun:test";
import { makeVm, run } from "./make_vm.ts";

test.each([
  ["%", "attempt to perform 'n%0'"],
  ["//", "attempt to divide by zero"],
])("an integer divided by zero, with %s, is an error of its own line", async (operator, text) => {
  const vm = await makeVm();
  const [constant, register] = run(
    vm,
    `local function divide(by)
      local n = 7
      local x = n ${operator} by
      return x
    end
    local function divide_by_constant(n)
      local before = {}
      local x = n ${operator} 0
      return x
    end
    local _, constant = pcall(divide_by_constant, 1)
    local _, register = pcall(divide, 0)
    return constant, register`,
  );
  expect([register, constant]).toEqual([`test:code:4: ${text}`, `test:code:9: ${text}`]);
});
