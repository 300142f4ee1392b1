import { isUtf8 } from "node:buffer";

/** Bytes as text: those that are no UTF-8 are written as `\xe9`. */
export function textOfBytes(bytes: string | Uint8Array): string {
  if (typeof bytes === "string") return bytes;
  let text = "";
  for (let at = 0; at < bytes.length;) {
    let length = 4;
    // The longest beginning that is one character.
    while (length > 0 && !isOneCharacter(bytes.subarray(at, at + length))) length--;
    if (length === 0) {
      text += `\\x${bytes[at]!.toString(16).padStart(2, "0")}`;
      at++;
    } else {
      text += decoder.decode(bytes.subarray(at, at + length));
      at += length;
    }
  }
  return text;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const lengths: readonly [number, number][] = [[0x80, 1], [0xc0, 0], [0xe0, 2], [0xf0, 3], [
  0xf8,
  4,
]];

function isOneCharacter(bytes: Uint8Array): boolean {
  const needed = lengths.find(([limit]) => bytes[0]! < limit)?.[1] ?? 0;
  return needed === bytes.length && isUtf8(bytes);
}
