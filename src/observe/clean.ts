/**
 * Texts of programs on terminals and in logs: what would steer a terminal, forge a line or turn the reading direction
 * is written as an escape of JSON, so that it can be seen and does nothing.
 * @module
 */

import { isUtf8 } from "node:buffer";

// deno-lint-ignore no-control-regex -- these are what must not reach the terminal
const controls = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
// The same, but for line ends, tabs and our own colours.
const harmful =
  // deno-lint-ignore no-control-regex -- as above
  /[\0-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\x1b(?!\[[0-9;]*m)/g;

const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escaped(character: string): string {
  return short[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/**
 * Text on one line.
 *
 * @example oneLine("a\nb \u001b[2J") // "a\\nb \\u001b[2J"
 */
export function oneLine(text: string): string {
  return text.replace(controls, escaped);
}

/**
 * Text of several lines, perhaps with colours, as a command writes it. JSON stays the same JSON.
 *
 * @example clean("a\tb\r\n") // "a\tb\\r\n"
 */
export function clean(text: string): string {
  return text.replace(harmful, escaped);
}

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
