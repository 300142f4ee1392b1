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
});

test("where memory is limited, that holds up to a quarter of the limit", async () => {
  expect(await mostUsed({ memoryLimit: 24 * MIB }, 3 * MIB)).toBeLessThan(7.5);
});
