/** A place in the text of an expression: an offset in UTF-16 units. */
export type Place = number;

/** A mistake in an expression, or a failure while it runs; the message shows where. */
export class ExpressionError extends Error {
  constructor(message: string, readonly place?: Place) {
    super(message);
  }
}

/** A message with the line, the column and a picture of the place. */
export function located(message: string, source: string, place: Place): string {
  const before = source.slice(0, place);
  const line = before.split("\n").length;
  const begin = before.lastIndexOf("\n") + 1;
  const text = source.slice(begin).split("\n", 1)[0] ?? "";
  const column = place - begin;
  const from = Math.max(0, column - 60);
  const shown = text.slice(from, column + 60);
  return `${message} (${line}:${column + 1})\n | ${shown}\n | ${".".repeat(column - from)}^`;
}
