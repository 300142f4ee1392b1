import { jsonError, maxDepth } from "./write.ts";

/** What a string may hold: anything but quotes, backslashes and control characters, or an escape. */
// deno-lint-ignore no-control-regex
const characters = /(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;
const string = new RegExp(`"${characters.source}"`, "y");
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const numeral = /[0-9a-zA-Z.+-]/y;
const word = /true|false|null/y;
const space = /[ \t\n\r]*/y;

/**
 * Finds the end of the first JSON value of a text without reading it.
 *
 * @returns the index behind the value
 * @throws WippyError Internal: line, column, what is expected there and what was found
 */
export function scanJson(text: string): number {
  let position = 0;

  function take(pattern: RegExp): boolean {
    pattern.lastIndex = position;
    if (!pattern.test(text)) return false;
    position = pattern.lastIndex;
    return true;
  }

  function fail(expected: string): never {
    const before = text.slice(0, position).split("\n");
    const place = `line ${before.length} column ${before.at(-1)!.length + 1}`;
    const found = position < text.length
      ? JSON.stringify(String.fromCodePoint(text.codePointAt(position)!))
      : "the end of the text";
    throw jsonError(`${place}: ${expected} expected, found ${found}`);
  }

  /** Whether the next character is the one given; it is taken then. */
  function next(character: string): boolean {
    take(space);
    if (text[position] !== character) return false;
    position += 1;
    return true;
  }

  /** Goes to the fault in a string, which is known to have one. */
  function failInString(): never {
    position += 1;
    take(characters);
    if (text[position] === "\\") fail('a valid escape (\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX)');
    return fail(position < text.length ? "an escaped control character" : 'a closing "');
  }

  function items(end: string, item: () => void): void {
    if (next(end)) return;
    do item(); while (next(","));
    if (!next(end)) fail(`"," or "${end}"`);
  }

  function key(): void {
    take(space);
    if (!take(string)) {
      if (text[position] === '"') failInString();
      fail("a key in double quotes");
    }
  }

  function value(depth: number): void {
    if (depth > maxDepth) {
      throw jsonError(`cannot decode values nested deeper than ${maxDepth} levels`);
    }
    if (next("{")) {
      items("}", () => {
        key();
        if (!next(":")) fail('":"');
        value(depth + 1);
      });
    } else if (next("[")) items("]", () => value(depth + 1));
    else if (take(number)) {
      // Half a number is no value, though text behind a value is none of ours.
      if (take(numeral)) {
        position -= 1;
        fail("the end of a number");
      }
    } else if (!take(string) && !take(word)) {
      if (text[position] === '"') failInString();
      fail("a value");
    }
  }

  value(0);
  return position;
}
