import { expect, test } from "bun:test";
import { loadLuaModule } from "../../../src/vm/module.ts";
import { Vm } from "../../../src/vm/vm.ts";

const MIB = 2 ** 20;
const module = await loadLuaModule();

/** The most and the least that a VM used, in MiB, while it made 64 MiB of garbage after the first 16. */
async function usedBy(
  options: { memoryLimit?: number },
  kept: number,
): Promise<{ most: number; least: number }> {
  const vm = await Vm.create({ module, clock: () => 0, ...options });
  try {
    const [most, least] = vm.call(
      vm.load(
        `local kept = string.rep("k", ${kept})
      return function()
        local function litter(mib)
          local most, least = 0, math.huge
          for i = 1, mib * 16 do
            local garbage = string.rep("g", 65536 - 64) .. i
            most, least = math.max(most, collectgarbage("count")), math.min(least, collectgarbage("count"))
          end
          return most / 1024, least / 1024, #kept
        end
        litter(16)
        return litter(64)
      end`,
        "=test",
      )[0]!,
    );
    return { most: Number(most), least: Number(least) };
  } finally {
    vm.close();
  }
}

test("a small heap is left alone until it has 12 MiB", async () => {
  const { most, least } = await usedBy({}, 1);
  expect(most).toBeGreaterThan(11.5);
  expect(most).toBeLessThan(14);
  expect(least).toBeLessThan(1);
});

test("a larger one is collected once it has doubled", async () => {
  const { most } = await usedBy({}, 20 * MIB);
  expect(most).toBeGreaterThan(38);
  expect(most).toBeLessThan(46);
});

test("where memory is limited, a quarter of the limit is small", async () => {
  const { most } = await usedBy({ memoryLimit: 16 * MIB }, 1);
  expect(most).toBeGreaterThan(3.5);
  expect(most).toBeLessThan(6);
});
