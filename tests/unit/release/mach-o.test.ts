import { expect, test } from "bun:test";
import { signAdHoc } from "../../../release/mach-o.ts";
import { readHeader } from "../../integration/release/headers.ts";

/** A program for macOS: two segments and a place for a signature, five pages of code. */
function program(): Buffer {
  const start = 5 * 4096 + 100;
  const made = Buffer.alloc(start + 64, 7);
  made.fill(0, 0, 400);
  made.writeUInt32LE(0xfeedfacf, 0);
  made.writeUInt32LE(0x01000007, 4);
  made.writeUInt32LE(3, 16);
  const segment = (at: number, name: string, offset: number, size: number) => {
    made.writeUInt32LE(0x19, at);
    made.writeUInt32LE(72, at + 4);
    made.write(name, at + 8);
    made.writeBigUInt64LE(BigInt(offset), at + 40);
    made.writeBigUInt64LE(BigInt(size), at + 48);
  };
  segment(32, "__TEXT", 0, 4 * 4096);
  segment(104, "__LINKEDIT", 4 * 4096, made.length - 4 * 4096);
  made.writeUInt32LE(0x1d, 176);
  made.writeUInt32LE(16, 180);
  made.writeUInt32LE(start, 184);
  made.writeUInt32LE(64, 188);
  return made;
}

test("an ad-hoc signature covers the program as it is", () => {
  const unsigned = program();
  expect(readHeader(unsigned).signed).toBe(false);
  const signed = Buffer.from(signAdHoc(unsigned, "wippy"));
  expect(readHeader(signed)).toMatchObject({ format: "Mach-O", cpu: "x64", signed: true });
  // The last segment reaches to the end of the file.
  expect(Number(signed.readBigUInt64LE(104 + 40) + signed.readBigUInt64LE(104 + 48)))
    .toBe(signed.length);
  expect(signed.readUInt32LE(184) + signed.readUInt32LE(188)).toBe(signed.length);
  signed[3 * 4096]! ^= 1;
  expect(readHeader(signed).signed).toBe(false);
});

test("a signed program can be signed again", () => {
  const once = signAdHoc(program(), "wippy");
  expect(Buffer.from(signAdHoc(once, "wippy")).equals(once)).toBe(true);
});

test("a program without a place for a signature is refused", () => {
  const other = program();
  other.writeUInt32LE(2, 16);
  expect(() => signAdHoc(other, "wippy")).toThrow("has no place for a signature");
});
