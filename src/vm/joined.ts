import { pack, unpack } from "./codec.ts";

/** How a table that was packed before begins. */
const again = Buffer.of(0xd4, 2);

/** Whether a table is repeated in packed bytes, or may be: they mean something else in the middle of others. */
export function packsRepeats(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(again);
}

/** The packed list of values that are packed already. */
export function joinPacked(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length > 15 || parts.some(packsRepeats)) return pack(parts.map(unpack));
  return Buffer.concat([Uint8Array.of(0x90 | parts.length), ...parts]);
}
