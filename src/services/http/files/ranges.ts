/** A part of a file, in bytes. */
export interface Range {
  from: number;
  length: number;
}

/** As many parts as a response has at most; who asks for more gets the whole file. */
const mostRanges = 64;

/**
 * The parts that a header `Range` asks for, in its order.
 *
 * @returns "whole" when the whole file is the answer: no header, another unit than bytes, more parts than the file is
 *   worth; "unsatisfiable" when it has none of the parts, or the header is malformed
 */
export function rangesOf(header: string | null, size: number): Range[] | "whole" | "unsatisfiable" {
  const [, list] = /^bytes=(.*)$/.exec(header?.trim() ?? "") ?? [];
  if (list === undefined) return "whole";
  const ranges: Range[] = [];
  let asked = 0;
  for (const item of list.split(",").map((text) => text.trim()).filter((text) => text !== "")) {
    const [, first, last] = /^(\d*)\s*-\s*(\d*)$/.exec(item) ?? [];
    if (first === undefined || last === undefined || first + last === "") return "unsatisfiable";
    asked += 1;
    const suffix = first === "";
    const from = suffix ? Math.max(0, size - Number(last)) : Number(first);
    const end = suffix || last === "" ? size : Math.min(size, Number(last) + 1);
    if (!suffix && last !== "" && Number(last) < Number(first)) return "unsatisfiable";
    if (from >= size || end <= from) continue;
    ranges.push({ from, length: end - from });
  }
  if (ranges.length === 0) return asked === 0 ? "whole" : "unsatisfiable";
  const total = ranges.reduce((sum, { length }) => sum + length, 0);
  return ranges.length > mostRanges || total > size ? "whole" : ranges;
}
