/** How a text is cut into chunks. Lengths are in characters (code points). */
export interface SplitOptions {
  /** Most characters of a chunk. */
  size: number;
  /** Characters at the end of a chunk that the next one begins with, at most. */
  overlap: number;
  /** The coarsest first; "" cuts between characters. */
  separators: readonly string[];
  /** Whether a chunk begins with the separator before it. */
  keep: boolean;
}

/** In code points: an emoji is one. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

function piecesOf(text: string, separator: string, keep: boolean): string[] {
  if (separator === "") return [...text];
  const pieces = text.split(separator);
  return keep ? pieces.map((piece, index) => index === 0 ? piece : separator + piece) : pieces;
}

/** Joins pieces to chunks that are as large as allowed; each begins with the end of the one before. */
function merge(pieces: readonly string[], glue: string, { size, overlap }: SplitOptions): string[] {
  const chunks: string[] = [];
  const glueLength = lengthOf(glue);
  let current: { text: string; length: number }[] = [];
  let total = 0;
  const lengthWith = (length: number) => total + length + (current.length > 0 ? glueLength : 0);
  const emit = () => {
    const chunk = current.map(({ text }) => text).join(glue).trim();
    if (chunk !== "") chunks.push(chunk);
  };
  for (const text of pieces) {
    const length = lengthOf(text);
    if (lengthWith(length) > size && current.length > 0) {
      emit();
      while (current.length > 0 && (total > overlap || lengthWith(length) > size)) {
        total -= current[0]!.length + (current.length > 1 ? glueLength : 0);
        current = current.slice(1);
      }
    }
    total = lengthWith(length);
    current.push({ text, length });
  }
  emit();
  return chunks;
}

/**
 * Cuts a text at the coarsest separator that is in it, and what is still too large at the next finer one; neighbours
 * that fit together are joined again.
 *
 * @returns chunks without surrounding space; none is empty
 */
export function splitRecursively(text: string, options: SplitOptions): string[] {
  const { size, separators, keep } = options;
  const at = separators.findIndex((separator) => separator === "" || text.includes(separator));
  const separator = at < 0 ? separators.at(-1) ?? "" : separators[at]!;
  const finer = at < 0 ? [] : separators.slice(at + 1);
  const glue = keep ? "" : separator;
  const chunks: string[] = [];
  let small: string[] = [];
  const flush = () => {
    if (small.length > 0) chunks.push(...merge(small, glue, options));
    small = [];
  };
  for (const piece of piecesOf(text, separator, keep)) {
    if (piece === "") continue;
    if (lengthOf(piece) < size || finer.length === 0 && separator === "") small.push(piece);
    else {
      flush();
      if (finer.length === 0) chunks.push(piece);
      else chunks.push(...splitRecursively(piece, { ...options, separators: finer }));
    }
  }
  flush();
  return chunks;
}
