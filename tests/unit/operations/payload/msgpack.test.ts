/** MessagePack that others read and write. */
import { expect, test } from "bun:test";
import { Packr } from "msgpackr/pack";
import { readMessagePack, writeMessagePack } from "../../../../src/operations/payload/msgpack.ts";
import { decodeBody, encodeBody } from "../../../../src/services/queue/codec.ts";
import { pack, unpack } from "../../../../src/vm/codec.ts";
import { LuaFloat, type LuaValue } from "../../../../src/vm/value.ts";

const other = new Packr({ useRecords: false, variableMapSize: true });
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

const vectors: [value: LuaValue, bytes: string][] = [
  [undefined, "c0"],
  [true, "c3"],
  [false, "c2"],
  [0, "00"],
  [127, "7f"],
  [128, "cc80"],
  [65535, "cdffff"],
  [2 ** 32 - 1, "ceffffffff"],
  [2 ** 32, "d30000000100000000"],
  [-1, "ff"],
  [-32, "e0"],
  [-33, "d0df"],
  [-129, "d1ff7f"],
  [-32769, "d2ffff7fff"],
  [-(2 ** 31) - 1, "d3ffffffff7fffffff"],
  [2n ** 63n - 1n, "d37fffffffffffffff"],
  [-(2n ** 63n), "d38000000000000000"],
  [new LuaFloat(3), "cb4008000000000000"],
  [0.5, "cb3fe0000000000000"],
  [2 ** 53, "cb4340000000000000"],
  ["é", "a2c3a9"],
  [Uint8Array.of(255, 0), "c402ff00"],
  [[1, "a"], "9201a161"],
];

test("every kind of value has the bytes that MessagePack says, and comes back as it was", () => {
  for (const [value, bytes] of vectors) {
    expect(hex(writeMessagePack(value))).toBe(bytes);
    expect(readMessagePack(Buffer.from(bytes, "hex"))).toEqual(value as never);
  }
});

test("lengths have the shortest form, as another library writes and reads them", () => {
  for (const length of [0, 15, 16, 31, 32, 255, 256, 65_535, 65_536]) {
    const list = new Array<LuaValue>(length).fill("x");
    const map = Object.fromEntries(list.map((item, at) => [`key ${at}`, item]));
    for (const value of ["y".repeat(length), list, map]) {
      const bytes = writeMessagePack(value);
      expect(other.unpack(bytes)).toEqual(value);
      expect(readMessagePack(other.pack(value))).toEqual(value);
      expect(readMessagePack(bytes)).toEqual(value);
    }
    const binary = new Uint8Array(length).fill(255);
    expect(readMessagePack(writeMessagePack(binary))).toEqual(binary);
  }
});

test("what others write is read: floats of 32 bits, unsigned integers, keys that are no text", () => {
  const read = (bytes: string) => readMessagePack(Buffer.from(bytes, "hex"));
  expect(read("ca40400000")).toEqual(new LuaFloat(3));
  expect(read("cf0000000000000005")).toBe(5);
  expect(read("cfffffffffffffffff")).toBe(2 ** 64);
  expect(read("8201a161a162c3")).toEqual(new Map<LuaValue, LuaValue>([[1, "a"], ["b", true]]));
  expect(read("a1ff")).toEqual(Uint8Array.of(255));
});

test("what is no MessagePack is an error", () => {
  const read = (bytes: string) => () => readMessagePack(Buffer.from(bytes, "hex"));
  expect(read("")).toThrow("ends too soon");
  expect(read("a5ff")).toThrow("ends too soon");
  expect(read("0000")).toThrow("more behind");
  expect(read("c1")).toThrow("0xc1");
  expect(read("91".repeat(100_000))).toThrow("128 levels");
  expect(read("ddffffffff")).toThrow("ends too soon");
});

test("queues write what payloads do: floats stay such in MessagePack, and a list has no text keys", () => {
  const floats = pack({ whole: new LuaFloat(3), half: 0.5, count: 3 });
  expect(unpack(decodeBody(encodeBody(floats, "application/msgpack"), "application/msgpack")))
    .toEqual({ whole: new LuaFloat(3), half: 0.5, count: 3 });
  const mixed = pack(new Map<LuaValue, LuaValue>([[1, "x"], ["k", "y"]]));
  for (const codec of ["json/plain", "application/msgpack"] as const) {
    expect(unpack(decodeBody(encodeBody(mixed, codec), codec))).toEqual(["x"]);
  }
});
