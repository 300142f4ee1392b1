/** The numbers and data of events that are together, as journals have them. */
import { expect, test } from "bun:test";
import { packHeads, readHeads } from "../../../../src/workflows/history/heads.ts";
import { packPlain, unpackPlain } from "../../../../src/workflows/history/history.ts";
import {
  packTaskCompleted,
  packTaskStarted,
} from "../../../../src/workflows/history/task-events.ts";

// Both sides of each place at which a number takes more bytes.
const edges = [0x20, 0x80, 0x100, 0x8000, 0x1_0000, 2 ** 31, 2 ** 32, 1_764_000_000_000, 2 ** 53];
const numbers = edges.flatMap((edge) => [edge - 1, edge, edge + 1])
  .flatMap((number) => [number, -number]).concat(0, 1, 0.5, -1.25, 1_764_000_000_000.125, 1e300);

function together(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat([...parts]));
}

test("the bytes are those of any packed value, and are read back", () => {
  const longer = (count: number) => Array.from({ length: count }, (_, i) => numbers[i % 60]!);
  for (const heads of [[], numbers, ...[1, 15, 16, 17, 65_535, 65_536, 70_000].map(longer)]) {
    for (const lengths of [[], [0], [1, 0, 254], [255, 1], [65_535], [65_000, 536], [70_000]]) {
      const events = lengths.map((length, i) => ({ data: new Uint8Array(length).fill(i + 1) }));
      const data = together(events.map((event) => event.data));
      const bytes = packHeads(heads, events, data.length);
      expect(Buffer.compare(bytes, packPlain([heads, data]))).toBe(0);
      const read = readHeads(bytes)!;
      expect(read.heads).toEqual(heads);
      expect(Buffer.compare(bytes.subarray(read.from), data)).toBe(0);
    }
  }
});

test("they are read where they lie within other bytes", () => {
  const bytes = packHeads([1_764_000_000_000, -7, 300], [{ data: Uint8Array.of(1, 2) }], 2);
  const all = together([new Uint8Array(3).fill(0xcb), bytes, new Uint8Array(3).fill(0xcb)]);
  const within = all.subarray(3, 3 + bytes.length);
  const { heads, from } = readHeads(within)!;
  expect(heads).toEqual([1_764_000_000_000, -7, 300]);
  expect([...within.subarray(from)]).toEqual([1, 2]);
});

test("damaged bytes are not read", () => {
  const bytes = packHeads([1, 2_000, 1_764_000_000_000], [{ data: new Uint8Array(5) }], 5);
  for (let length = 0; length < bytes.length; length++) {
    expect(readHeads(bytes.subarray(0, length))).toBeUndefined();
  }
  expect(readHeads(together([bytes, Uint8Array.of(0)]))).toBeUndefined();
  const data = new Uint8Array();
  for (const other of [1, [1, data], [[1]], [[null], data], [["1"], data], [[1], "1"], {}, null]) {
    expect(readHeads(packPlain(other))).toBeUndefined();
  }
  // A list that says it is longer than all there is.
  expect(readHeads(Uint8Array.of(0x92, 0xdd, 0xff, 0xff, 0xff, 0xff, 1))).toBeUndefined();
});

test("the events of tasks have the bytes of any event", () => {
  for (const number of numbers.map((number) => Math.floor(Math.abs(number)))) {
    expect(packTaskStarted(number)).toEqual(packPlain({ size: number }));
    expect(packTaskCompleted(number)).toEqual(packPlain({ worker: number }));
    expect(unpackPlain<unknown>(packTaskStarted(number))).toEqual({ size: number });
  }
});
