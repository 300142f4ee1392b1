/** The reader of the data of events, beside msgpackr. */
import { expect, test } from "bun:test";
import { packPlain, unpackPlain } from "../../../../src/workflows/history/history.ts";
import { readValues } from "../../../../src/workflows/history/read-values.ts";

function together(values: readonly unknown[]): Uint8Array {
  return new Uint8Array(Buffer.concat(values.map(packPlain)));
}

const edges = [0x20, 0x80, 0x100, 0x8000, 0x1_0000, 2 ** 31];
const numbers = edges.flatMap((edge) => [edge - 1, edge, edge + 1])
  .flatMap((number) => [number, -number]).concat(0, 0.5, 2 ** 32, 1_764_000_000_000.125, 1e300);

test("values come back as they were packed", () => {
  const texts = [0, 1, 31, 32, 64, 65, 255, 256, 65_535].map((length) => "x".repeat(length));
  const bytes = [0, 1, 128, 129, 255, 256, 65_535, 65_536].map((length) =>
    new Uint8Array(length).fill(length % 251)
  );
  const lists = [15, 16, 300].map((length) => Array.from({ length }, (_, i) => i));
  const wide = Object.fromEntries(numbers.map((number, i) => [`key${i}`, number]));
  const deep = {
    failure: { kind: "Internal", details: { list: [{ a: null, b: true, c: false }] } },
  };
  const values = [...numbers, ...texts, ...bytes, ...lists, wide, deep, {}, [], null, true, false];
  // Twice: texts are known then.
  for (let time = 0; time < 2; time++) {
    const packed = together(values);
    expect(readValues(packed, 0)).toEqual(values);
    const first = packPlain(values[0]).length;
    expect(readValues(packed, first)).toEqual(values.slice(1));
  }
  expect(readValues(packPlain(1), 1)).toEqual([]);
});

test("texts that look alike are told apart, however many come", () => {
  for (let i = 0; i < 3_000; i++) {
    const value = { [`k${i % 700}`]: `${i}-a-${i}`, name: `n${i}` };
    expect(readValues(packPlain(value), 0)).toEqual([value]);
  }
});

test("what is read does not change with the bytes that it was read from", () => {
  const packed = Buffer.from(together([{ value: new Uint8Array([1, 2, 3]) }, new Uint8Array(300)]));
  const read = readValues(packed, 0);
  packed.fill(0xff);
  expect(read).toEqual([{ value: new Uint8Array([1, 2, 3]) }, new Uint8Array(300)]);
});

test("what is unusual is left to msgpackr", () => {
  const others = ["ä", { "ü": 1 }, undefined, 2n ** 40n, { a: [undefined] }, "x".repeat(70_000)];
  for (const other of others) expect(readValues(packPlain(other), 0)).toBeUndefined();
  const proto = packPlain(JSON.parse(`{ "__proto__": 1 }`));
  expect(readValues(proto, 0)).toBeUndefined();
});

test("random bytes are read as msgpackr reads them, or not at all", () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return (seed >> 8) % below;
  };
  let read = 0;
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from({ length: 1 + random(12) }, () => random(256));
    const values = readValues(bytes, 0);
    if (!values) continue;
    read++;
    // Of its own: msgpackr reads what follows the bytes in their buffer.
    if (values.length === 1) expect(values).toEqual([unpackPlain(bytes.slice())]);
  }
  expect(read).toBeGreaterThan(1_000);
});

test("a value that is cut off is not read", () => {
  const packed = packPlain({
    seq: 1_000,
    entry: "app:step",
    args: new Uint8Array(300),
    list: [1, 2],
  });
  for (let length = 1; length < packed.length; length++) {
    expect(readValues(packed.subarray(0, length), 0)).toBeUndefined();
  }
});
