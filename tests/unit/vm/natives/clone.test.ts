import { expect, test } from "bun:test";
import { makeVm, run } from "../make_vm.ts";

test("a native clone has the same fields in the same order, and is a table of its own", async () => {
  const vm = await makeVm();
  expect(run(
    vm,
    `local failed = {}
    for n = 1, 70 do
      local record, kept = {}, {}
      for i = 1, n do
        record["field" .. i] = i % 3 == 0 and { i } or i
        kept["field" .. i] = record["field" .. i]
      end
      local clone = host.clone(record)
      local k, l
      repeat
        local v, w
        k, v = next(record, k)
        l, w = next(clone, l)
        if k ~= l or v ~= w then failed[#failed + 1] = n end
      until k == nil or l == nil
      -- It grows, shrinks and is collected like any other, and the record stays as it is.
      for i = 1, 100 do clone["more" .. i] = { i } end
      if n % 10 == 0 then collectgarbage(n % 20 == 0 and "generational" or "incremental") collectgarbage() end
      for i = 1, 100 do
        if clone["more" .. i][1] ~= i then failed[#failed + 1] = "more " .. n end
        clone["more" .. i] = nil
      end
      for key in next, clone do clone[key] = false end
      for key, value in next, kept do
        if record[key] ~= value then failed[#failed + 1] = "record " .. n end
      end
    end
    return table.concat(failed, " ")`,
  )).toEqual([""]);
});

test("without a kernel a native coroutine is a new one", async () => {
  const vm = await makeVm();
  expect(run(
    vm,
    `local co = host.coroutine(function(a) return a + coroutine.yield(a) end)
    local _, first = coroutine.resume(co, 1)
    local _, second = coroutine.resume(co, 2)
    return first, second, coroutine.status(co), (pcall(host.coroutine, 1))`,
  )).toEqual([1, 3, "dead", false]);
});
