import { parse, type Tree } from "../language/language.ts";
import type { Statement } from "../language/tree.ts";
import { walk } from "../language/walk.ts";
import { prepareSource } from "./source.ts";

/** Statements that do nothing when they are reached. */
const idle: ReadonlySet<Statement["kind"]> = new Set([
  "Label",
  "TypeDeclaration",
  "InterfaceDeclaration",
]);

/** Where all statements of a program begin, as offsets, sorted. */
export function statementsOf(tree: Tree): number[] {
  const places: number[] = [];
  walk(tree, (node) => {
    for (const [key, part] of Object.entries(node)) {
      if ((key !== "body" && key !== "otherwise") || !Array.isArray(part)) continue;
      for (const { kind, start } of part as Statement[]) if (!idle.has(kind)) places.push(start);
    }
  });
  return places.sort((one, other) => one - other);
}

/** The lines of a program on which statements begin, sorted, from 1; undefined for a text that is no sound Lua. */
export function statementLines(source: string): number[] | undefined {
  const text = Buffer.from(prepareSource("", source).code).toString("latin1");
  const tree = parse(text);
  if (tree.faults.length > 0) return undefined;
  const lines: number[] = [];
  let [line, seen] = [1, 0];
  for (const place of statementsOf(tree)) {
    for (let end = text.indexOf("\n", seen); end >= 0 && end < place;) {
      line++;
      seen = end + 1;
      end = text.indexOf("\n", seen);
    }
    if (lines.at(-1) !== line) lines.push(line);
  }
  return lines;
}
