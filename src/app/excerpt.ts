/** A place in a line of code, to be shown below it. */
export interface Excerpt {
  /** The line of the code. */
  text: string;
  /** What is meant, in characters from the line's beginning. */
  start: number;
  length: number;
}

/** The line around a place, whose offsets are bytes of the code. */
export function excerptOf(bytes: string, start: number, end: number): Excerpt {
  const first = bytes.lastIndexOf("\n", start - 1) + 1;
  const found = bytes.indexOf("\n", start);
  const last = found < 0 ? bytes.length : found;
  const text = (from: number, to: number) =>
    Buffer.from(bytes.slice(from, to), "latin1").toString().replace(/\r$/, "");
  return {
    text: text(first, last),
    start: text(first, start).length,
    length: Math.max(1, text(start, Math.min(end, last)).length),
  };
}

/** The line of a place that is known by its line and its column, which counts bytes. */
export function excerptAt(code: string, line: number, column: number): Excerpt {
  const bytes = Buffer.from(code).toString("latin1");
  let start = 0;
  for (let i = 1; i < line; i++) start = bytes.indexOf("\n", start) + 1;
  const at = Math.min(start + column - 1, bytes.length);
  const [word] = /^\w*/.exec(bytes.slice(at, at + 100))!;
  return excerptOf(bytes, at, at + word.length);
}
