import { parse, type Tree } from "../language/language.ts";
import type { Statement } from "../language/tree.ts";
import { prepareSource } from "./source.ts";

/** Statements that do nothing when they are reached. */
const idle: ReadonlySet<Statement["kind"]> = new Set([
  "Label",
  "TypeDeclaration",
  "InterfaceDeclaration",
]);

/** Parts of a node without statements, or whose statements are elsewhere in the tree too. */
const passive: ReadonlySet<string> = new Set([
  "local",
  "binding",
  "bindings",
  "variable",
  "variables",
  "parameters",
  "type",
  "results",
  "vararg",
]);

/**
 * Where all statements of a program begin, as offsets, sorted. Found without recursion, as chains of expressions may be
 * long.
 */
export function statementsOf(tree: Tree): number[] {
  const places: number[] = [];
  const waiting: unknown[] = [{ body: tree.body }];
  while (waiting.length > 0) {
    const node = waiting.pop();
    if (typeof node !== "object" || node === null) continue;
    for (const [key, part] of Object.entries(node)) {
      if (passive.has(key)) continue;
      waiting.push(part);
      if ((key !== "body" && key !== "otherwise") || !Array.isArray(part)) continue;
      for (const { kind, start } of part as Statement[]) if (!idle.has(kind)) places.push(start);
    }
  }
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
