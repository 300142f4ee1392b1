import { expect, test } from "bun:test";
import { packMessages, unpackMessages } from "../../../../src/operations/queue/messages.ts";
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
    { id: "one", body: pack({ n: [1, 2] }), headers, delay: 0.5, unique: true },
    { body: pack("text"), headers: {}, delay: 0, unique: false },
  ];
  const packed = packMessages(messages);
  const [first, second] = unpackMessages(packed);
  expect(first).toMatchObject({ id: "one", delay: 0.5, unique: true });
  expect({ ...first!.headers }).toEqual(headers);
  expect(unpack(first!.body)).toMatchObject({ n: [1, 2] });
  expect("id" in second!).toBe(false);
  expect(unpack(second!.body)).toBe("text");
  expect(Object.keys(second!.headers)).toEqual([]);
});

test("a message does not keep the others that it came with", () => {
  const message = { body: pack("x".repeat(100)), headers: {}, delay: 0, unique: false };
  const packed = packMessages(Array.from({ length: 50 }, () => message));
  for (const { body } of unpackMessages(packed)) {
    expect(body.buffer).not.toBe(packed.buffer);
    expect(body.buffer.byteLength).toBe(body.length);
  }
});
