import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../scripts/sources.ts";
import { pack } from "../../../src/vm/codec.ts";
import { firstKib, type Place } from "../../../src/vm/first-kib.ts";
import { Packed } from "../../../src/vm/vm.ts";
import { fn, makeVm } from "./make_vm.ts";

const places: [string, Place][] = Object.entries(firstKib);

test("no two places of the first KiB overlap", () => {
  let end = 1;
  for (const [name, { address, size }] of places.sort(([, a], [, b]) => a.address - b.address)) {
    expect({ name, free: address >= end }).toEqual({ name, free: true });
    end = address + size;
  }
  expect(end).toBeLessThanOrEqual(1024);
});

test("the natives stay in their places", () => {
  const text = readFileSync(join(root, "src/vm/natives/memory.as.ts"), "utf8");
  const constants = [...text.matchAll(/^export const (\w+): usize = (\d+);$/gm)];
  expect(constants.length).toBeGreaterThan(10);
  const own = [
    firstKib.nativesKnown,
    firstKib.nativesMore,
    firstKib.nativesRelaxed,
    firstKib.nativesSeen,
  ];
  for (const [, name, value] of constants) {
    const address = Number(value);
    const inside = own.some((place) =>
      place.address <= address && address < place.address + place.size
    );
    expect({ name, inside }).toEqual({ name, inside: true });
  }
});

test("texts of errors are whole after everything that natives keep there has been used", async () => {
  const vm = await makeVm();
  let memory = new Uint8Array();
  vm.registerRaw("look", (_L, lua) => {
    memory = new Uint8Array(lua.memory.buffer).slice(0, 1024);
    return 0;
  });
  vm.registerRaw("unpacked", (L) => {
    vm.push(L, new Packed(pack({ key: [1, 2, 3], other: { 7: "seven" } })));
    return 1;
  });
  vm.call(fn(vm, "", "assert(host.unpacked().key[2] == 2) host.look()"));
  const textAt = ({ address, size }: Place) => {
    const bytes = memory.subarray(address, address + size);
    return Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString();
  };
  expect(textAt(firstKib.stackText)).toBe("stack overflow");
  expect(textAt(firstKib.callLevelsText)).toBe("C stack overflow");
  expect(textAt(firstKib.callChainText)).toBe("'__call' chain too long; possible loop");
  expect(textAt(firstKib.stuckText)).toStartWith("ran too long where it cannot yield");
  expect(textAt(firstKib.textName)).toBe("__text");
  expect(textAt(firstKib.exponentFormat)).toBe("%.*e");
});
