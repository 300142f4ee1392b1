import { expect, test } from "bun:test";
import {
  MessageBuffer,
  packMessages,
  unpackMessages,
} from "../../../../src/operations/queue/messages.ts";
import { pack, unpack } from "../../../../src/vm/codec.ts";
import { LuaFloat } from "../../../../src/vm/value.ts";

test("messages come out as they went in, with every kind of header", () => {
  const headers = {
    text: "a",
    whole: 7,
    large: 9_223_372_036_854_775_807n,
    float: new LuaFloat(1),
    flag: false,
    bytes: Uint8Array.of(255, 0),
    ["__proto__x"]: "kept",
  };
  const messages = [
    { id: "ön\u{1f600}", body: pack({ n: [1, 2] }), headers: pack(headers), delay: 0.5 },
    { id: undefined, body: pack("text"), headers: undefined, delay: 0 },
    { id: "", body: pack(undefined), headers: pack({ timestamp: 5 }), delay: 0 },
  ];
  const [first, second, third, ...more] = unpackMessages(packMessages(messages), 7_999);
  expect(more).toEqual([]);
  expect(first).toMatchObject({ id: "ön\u{1f600}", delay: 0.5, unique: true });
  expect({ ...first!.headers }).toEqual({ timestamp: 7, ...headers });
  expect(unpack(first!.body)).toMatchObject({ n: [1, 2] });
  expect("id" in second!).toBe(false);
  expect(second).toMatchObject({ headers: { timestamp: 7 }, delay: 0, unique: false });
  expect(unpack(second!.body)).toBe("text");
  expect(third).toMatchObject({ id: "", headers: { timestamp: 5 }, unique: true });
  expect(unpack(third!.body)).toBeUndefined();
});

test("a message does not keep the others that it came with", () => {
  const message = { id: undefined, body: pack("x".repeat(100)), headers: undefined, delay: 0 };
  const packed = packMessages(Array.from({ length: 50 }, () => message));
  const messages = unpackMessages(packed, 0);
  expect(messages).toHaveLength(50);
  for (const { body } of messages) {
    expect(body.buffer).not.toBe(packed.buffer);
    expect(body.buffer.byteLength).toBe(body.length);
  }
});

test("a message that gets no body, since that cannot be packed, is not there", () => {
  const buffer = new MessageBuffer();
  const plain = { id: undefined, headers: undefined, delay: 0 };
  const add = (text: string, id?: string) => {
    const body = pack(text);
    buffer.begin({ ...plain, id });
    buffer.put(body, 0, body.length);
    return buffer.end;
  };
  const texts = ["first", "x".repeat(100), "y".repeat(100_000)];
  const ends = [add(texts[0]!)];
  buffer.begin({ id: "left out", headers: pack({ n: 1 }), delay: 5 });
  ends.push(add(texts[1]!, "id"), add(texts[2]!));
  const all = unpackMessages(buffer.slice(0, buffer.end), 0);
  expect(all.map(({ body }) => unpack(body))).toEqual(texts);
  expect(all.map(({ id }) => id)).toEqual([undefined, "id", undefined]);
  const [second, ...none] = unpackMessages(buffer.slice(ends[0]!, ends[1]!), 0);
  expect([unpack(second!.body), none]).toEqual([texts[1]!, []]);
  buffer.clear();
  expect(unpackMessages(buffer.slice(0, add("again")), 0)).toHaveLength(1);
});
