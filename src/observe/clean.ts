/**
 * Texts of programs on terminals and in logs: what would steer a terminal, forge a line or turn the reading direction
 * is written as an escape of JSON, so that it can be seen and does nothing.
 * @module
 */

// deno-lint-ignore no-control-regex -- these are what must not reach the terminal
const controls = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
// The same, but for line ends and tabs.
const harmful =
  // deno-lint-ignore no-control-regex -- as above
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

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
 * Text of several lines, as a command writes it. JSON stays the same JSON.
 *
 * @example clean("a\tb\r\n") // "a\tb\\r\n"
 */
export function clean(text: string): string {
  return text.replace(harmful, escaped);
}

/**
 * Text with control sequences of our own, as bytes, which no writer cleans. What it quotes of others has been cleaned
 * already.
 */
export function withControls(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
