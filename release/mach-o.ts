/**
 * The ad-hoc signature of macOS programs. Bun signs executables for arm64, but for x64 it leaves the signature of its
 * own program, which does not match the result.
 * @module
 */

/** Sizes of pages that are hashed, as a power of two. */
const pageBits = 12;
const headerSize = 88;

/** Places in the headers that a new signature changes. */
interface Places {
  /** Where the load command of the signature is. */
  command: number;
  /** Where the load command of the last segment is, which the signature is in. */
  linkEdit: number;
  /** Where the signature starts, and what it covers ends. */
  start: number;
  textOffset: bigint;
  textSize: bigint;
}

function placesOf(program: Buffer): Places {
  const found: Partial<Places> = {};
  let at = 32;
  for (let index = 0; index < program.readUInt32LE(16); index++) {
    const command = program.readUInt32LE(at);
    if (command === 0x1d) {
      Object.assign(found, { command: at, start: program.readUInt32LE(at + 8) });
    }
    if (command === 0x19) {
      const name = program.toString("latin1", at + 8, at + 24).replaceAll("\0", "");
      if (name === "__LINKEDIT") found.linkEdit = at;
      if (name === "__TEXT") {
        found.textOffset = program.readBigUInt64LE(at + 40);
        found.textSize = program.readBigUInt64LE(at + 48);
      }
    }
    at += program.readUInt32LE(at + 4);
  }
  const { command, linkEdit, start, textOffset, textSize } = found;
  if (
    command === undefined || linkEdit === undefined || start === undefined ||
    textOffset === undefined || textSize === undefined
  ) throw new Error("the program for macOS has no place for a signature");
  return { command, linkEdit, start, textOffset, textSize };
}

/**
 * Returns a program for macOS with a new ad-hoc signature that replaces its signature.
 *
 * @param identifier the name that the signature gives it
 * @throws when it is not a 64-bit Mach-O program that has a signature
 */
export function signAdHoc(source: Uint8Array, identifier: string): Uint8Array {
  const { command, linkEdit, start, textOffset, textSize } = placesOf(Buffer.from(source));
  const name = Buffer.from(`${identifier}\0`);
  const pages = Math.ceil(start / 2 ** pageBits);
  const directorySize = headerSize + name.length + pages * 32;
  const size = 20 + directorySize;

  const signed = Buffer.alloc(start + size);
  Buffer.from(source).copy(signed, 0, 0, start);
  signed.writeUInt32LE(size, command + 12);
  const editStart = signed.readBigUInt64LE(linkEdit + 40);
  const editSize = BigInt(signed.length) - editStart;
  signed.writeBigUInt64LE(editSize, linkEdit + 48);
  signed.writeBigUInt64LE((editSize + 0x3fffn) & ~0x3fffn, linkEdit + 32);

  let at = start;
  const words = (...values: number[]) =>
    values.forEach((value) => at = signed.writeUInt32BE(value, at));
  const long = (value: bigint) => at = signed.writeBigUInt64BE(value, at);
  // A signature with one part, the code directory.
  words(0xfade0cc0, size, 1, 0, 20);
  // Ad hoc, and made by a linker: there are no hashes but those of pages.
  words(0xfade0c02, directorySize, 0x20400, 0x20002, headerSize + name.length, headerSize);
  words(0, pages, start);
  // SHA-256, 32 bytes each.
  at = signed.writeUInt8(32, at);
  at = signed.writeUInt8(2, at);
  at = signed.writeUInt8(0, at);
  at = signed.writeUInt8(pageBits, at);
  words(0, 0, 0, 0);
  long(0n);
  long(textOffset);
  long(textSize);
  // A main program.
  long(1n);
  at += name.copy(signed, at);
  for (let page = 0; page < pages; page++) {
    const from = page << pageBits;
    const data = signed.subarray(from, Math.min(from + 2 ** pageBits, start));
    at += Buffer.from(new Bun.CryptoHasher("sha256").update(data).digest()).copy(signed, at);
  }
  return signed;
}
