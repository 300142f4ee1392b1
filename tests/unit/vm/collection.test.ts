import { expect, test } from "bun:test";
import { loadLuaModule } from "../../../src/vm/module.ts";
import { Vm } from "../../../src/vm/vm.ts";

const MIB = 2 ** 20;
const module = await loadLuaModule();

/** The most MiB that a VM uses with so many bytes alive while it makes 64 MiB of garbage after the first 16. */
async function mostUsed(options: { memoryLimit?: number }, kept: number): Promise<number> {
  const vm = await Vm.create({ module, clock: () => 0, ...options });
  try {
    const litter = vm.load(
      `local kept = string.rep("k", ${kept})
      return function()
        local function litter(mib)
          local most = 0
          for i = 1, mib * 16 do
            local garbage = string.rep("g", 65536 - 64) .. i
            most = math.max(most, collectgarbage("count"))
          end
          return most / 1024
        end
        litter(16)
        return litter(64), #kept
      end`,
      "=test",
    )[0]!;
    return Number(vm.call(litter)[0]);
  } finally {
    vm.close();
  }
}

test("a small heap is collected once it has three times what is alive", async () => {
  const most = await mostUsed({}, 3 * MIB);
  expect(most).toBeGreaterThan(8.8);
  expect(most).toBeLessThan(11);
});

test("beyond 12 MiB, it is once it has doubled", async () => {
  expect(await mostUsed({}, 5 * MIB)).toBeLessThan(14);
  const most = await mostUsed({}, 20 * MIB);
  expect(most).toBeGreaterThan(38);
  expect(most).toBeLessThan(46);
}, 20_000);

test("where memory is limited, that holds up to a quarter of the limit", async () => {
  expect(await mostUsed({ memoryLimit: 24 * MIB }, 3 * MIB)).toBeLessThan(7.5);
});

test("the table of strings keeps its size while as many strings are made, and shrinks later", async () => {
  const vm = await Vm.create({ module, clock: () => 0 });
  const [work] = vm.load(
    `local alive = {}
    for i = 1, 2000 do alive[i] = { { i } } end
    local function count(make, rounds)
      local doubled, least, before = 0, math.huge, collectgarbage("count")
      for i = 1, rounds do
        make(i)
        local now = collectgarbage("count")
        -- A short string takes some 40 bytes: so much more at once is a table of twice the size.
        if now > before + 8 then doubled = doubled + 1 end
        least, before = math.min(least, now), now
      end
      return doubled, least
    end
    return function()
      local function strings(i) return i .. "text" end
      local first = count(strings, 200000)
      local again, least = count(strings, 400000)
      local _, later = count(function(i) return { { i }, { i }, { i } } end, 400000)
      return first, again, least - later
    end`,
    "=test",
  );
  const [first, again, freed] = vm.call(work!).map(Number);
  vm.close();
  expect(first).toBeGreaterThan(2);
  expect(again).toBe(0);
  expect(freed).toBeGreaterThan(16);
});
