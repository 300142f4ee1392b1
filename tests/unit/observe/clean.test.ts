import { describe, expect, test } from "bun:test";
import { clean, oneLine } from "../../../src/observe/clean.ts";
import { textOfBytes } from "../../../src/vm/byte-text.ts";
import {
  createConsoleSink,
  createJsonSink,
  createPlainSink,
} from "../../../src/observe/console.ts";

/** Every character that steers a terminal, ends a line or turns the direction of reading. */
const harmful = [
  ...Array.from({ length: 0x20 }, (_, code) => code),
  ...Array.from({ length: 0x21 }, (_, i) => 0x7f + i),
  0x061c,
  0x200e,
  0x200f,
  0x2028,
  0x2029,
  ...[0x202a, 0x202b, 0x202c, 0x202d, 0x202e],
  ...[0x2066, 0x2067, 0x2068, 0x2069],
].map((code) => String.fromCodePoint(code));

describe("harmful characters", () => {
  test("are escapes on one line, as JSON has them", () => {
    for (const character of harmful) {
      const line = oneLine(`a${character}b`);
      expect(line).toMatch(/^a\\(?:[nrt]|u[0-9a-f]{4})b$/);
      expect(JSON.parse(`"${line}"`)).toBe(`a${character}b`);
    }
    expect(oneLine("naïve \\n €🎉")).toBe("naïve \\n €🎉");
  });

  test("are escapes in what commands write, but for line ends and tabs", () => {
    for (const character of harmful) {
      const kept = character === "\n" || character === "\t";
      expect(clean(`a${character}b`)).toBe(kept ? `a${character}b` : oneLine(`a${character}b`));
    }
    // An identifier that somebody chose must not colour the line that quotes it.
    expect(clean("\u001b[31mred\u001b[0m")).toBe("\\u001b[31mred\\u001b[0m");
    expect(clean("\u001b[2J\u001b]0;title\u0007")).toBe("\\u001b[2J\\u001b]0;title\\u0007");
  });

  test("leave one line for one record in every kind of log, wherever they stand", () => {
    for (const character of harmful) {
      const text = `x${character}2026-01-01 00:00:00\tERROR\tforged`;
      let written = "";
      const write = (line: string | Uint8Array) => {
        written += typeof line === "string" ? line : Buffer.from(line).toString();
      };
      const fields = { [text]: text, nested: { [text]: [text] } };
      const record = { level: "info" as const, time: 0, logger: text, message: text, fields };
      for (
        const sink of [
          createPlainSink(write),
          createJsonSink(write),
          createConsoleSink(write, 0, false),
        ]
      ) {
        written = "";
        sink.log(record);
        expect(written.endsWith("\n")).toBe(true);
        const line = written.slice(0, -1);
        // The plain log has tabs of its own, between its five parts.
        expect(clean(line)).toBe(line);
        expect(line.split("\t").length).toBeLessThanOrEqual(5);
        expect(line).not.toContain("\n");
      }
    }
  });
});

test("bytes that are no UTF-8 show as what they are", () => {
  expect(textOfBytes(Buffer.from("caf\xe9!", "latin1"))).toBe("caf\\xe9!");
  expect(textOfBytes(Buffer.from("naïve €🎉"))).toBe("naïve €🎉");
  expect(textOfBytes(Uint8Array.of(0xc3, 0x61, 0xf0, 0x9f, 0x8e))).toBe("\\xc3a\\xf0\\x9f\\x8e");
  expect(textOfBytes("text")).toBe("text");
});
