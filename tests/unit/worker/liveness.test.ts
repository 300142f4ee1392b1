import { describe, expect, test } from "bun:test";
import { Liveness, livenessMemory } from "../../../src/worker/liveness.ts";

describe("Liveness", () => {
  test("knows what one worker wrote in another", () => {
    const memory = livenessMemory(2);
    const own = new Liveness(memory, 1);
    const other = new Liveness(memory, 0);
    own.reset(100, [3, 64, 100]);
    own.update(300, [3, 299]);
    expect([64, 100, 101, 298, 300].map((n) => other.alive(1, n))).toEqual(Array(5).fill(true));
    expect([2, 3, 63, 65, 299, 301].map((n) => other.alive(1, n))).toEqual(Array(6).fill(false));
    expect(other.alive(0, 1)).toBe(false);
    expect(other.alive(7, 1)).toBe(false);
    expect([0, -1, -64, -1e9].map((n) => other.alive(1, n))).toEqual(Array(4).fill(false));
    expect([0, -1, -64, -1e9].map((n) => other.alive(0, n))).toEqual(Array(4).fill(false));
  });

  test("agrees with a set, whatever the blocks", () => {
    const memory = livenessMemory(2);
    const liveness = new Liveness(memory, 0);
    liveness.reset(7, []);
    const alive = new Set<number>();
    let highest = 7;
    for (let round = 1; round < 200; round++) {
      const next = highest + (round * 37) % 150;
      for (let n = highest + 1; n <= next; n++) alive.add(n);
      highest = next;
      const gone = [...alive].filter((n) => (n * 31 + round) % 3 === 0);
      for (const n of gone) alive.delete(n);
      liveness.update(highest, gone);
    }
    for (let n = 0; n <= highest + 10; n++) expect(liveness.alive(0, n)).toBe(alive.has(n));
  });

  test("forgets what is long ago, and takes its place again", () => {
    const liveness = new Liveness(livenessMemory(2), 0);
    liveness.reset(10, [5]);
    expect(liveness.alive(0, 5)).toBe(true);
    liveness.update(2 ** 22 + 4, [2 ** 22]);
    expect(liveness.alive(0, 5)).toBe(true);
    liveness.update(2 ** 22 + 5, []);
    expect(liveness.alive(0, 5)).toBe(false);
    expect(liveness.alive(0, 2 ** 22)).toBe(false);
    expect(liveness.alive(0, 2 ** 22 + 5)).toBe(true);
  });

  test("knows the last units of a worker that is alone, in little memory", () => {
    const memory = livenessMemory(1);
    expect(memory.byteLength).toBeLessThan(1024);
    const liveness = new Liveness(memory, 0);
    liveness.update(5000, [4990]);
    expect([4989, 4990, 4991, 5000, 5001].map((n) => liveness.alive(0, n)))
      .toEqual([true, false, true, true, false]);
    expect(liveness.alive(0, 5000 - 1024)).toBe(false);
  });

  test("a worker that is gone has nobody", () => {
    const memory = livenessMemory(1);
    new Liveness(memory, 0).update(50, []);
    new Liveness(memory, 0).reset(0, []);
    expect(new Liveness(memory, 0).alive(0, 20)).toBe(false);
  });
});
