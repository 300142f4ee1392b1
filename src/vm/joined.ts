import { pack, unpack } from "./codec.ts";

/** How a table that was packed before begins. */
const again = [0xd4, 2] as const;

/** Whether a table is repeated in packed bytes, or may be: they mean something else in the middle of others. */
export function packsRepeats(bytes: Uint8Array): boolean {
  // Asking small bytes for their buffer would make them one of their own.
  let at = bytes.indexOf(again[0]);
  while (at >= 0) {
    if (bytes[at + 1] === again[1]) return true;
    at = bytes.indexOf(again[0], at + 1);
  }
  return false;
}

/** The packed list of values that are packed already. */
export function joinPacked(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length > 15 || parts.some(packsRepeats)) return pack(parts.map(unpack));
  return Buffer.concat([Uint8Array.of(0x90 | parts.length), ...parts]);
}
