import { prepareSource } from "../../app/source.ts";
import { statementsOf } from "../../app/statement-lines.ts";
import { parse } from "../../language/language.ts";

/** Code that counts. */
export interface Instrumented {
  code: string;
  /** Numbers of the lines on which statements begin, in their order. */
  lines: number[];
}

/**
 * Changes a program so that it counts, in the list `__lines` that it sees as a global, how often the first statement of
 * each line is reached. Lines stay where they are, and nothing of it burns fuel, so that a simulation stays the same.
 *
 * @returns undefined for a text that is no sound Lua
 */
export function instrument(source: string): Instrumented | undefined {
  const text = Buffer.from(prepareSource("", source).code).toString("latin1");
  const tree = parse(text);
  if (tree.faults.length > 0) return undefined;
  const parts: string[] = [];
  const lines: number[] = [];
  let [from, line, seen] = [0, 1, 0];
  for (const place of statementsOf(tree)) {
    while (true) {
      const end = text.indexOf("\n", seen);
      if (end < 0 || end >= place) break;
      line++;
      seen = end + 1;
    }
    if (lines.at(-1) === line) continue;
    lines.push(line);
    parts.push(text.slice(from, place), ` __lines[${line}]=__lines[${line}]+1;`);
    from = place;
  }
  const code = Buffer.from(parts.join("") + text.slice(from), "latin1").toString();
  return { code, lines };
}
