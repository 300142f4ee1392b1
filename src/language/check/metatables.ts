/**
 * Which values may bring operators of their own.
 * @module
 */
import { isBinding, nodesOf } from "../scope.ts";
import type { Tree } from "../tree.ts";
import { declaredTable, expand, luaType, type Type } from "./types.ts";

/** The names of metamethods that a text mentions: as fields, keys or texts. */
export function metamethodsOf(tree: Tree): ReadonlySet<string> {
  const names = new Set<string>();
  if (!tree.text.includes("__")) return names;
  for (const node of nodesOf(tree)) {
    if (isBinding(node) || !("kind" in node)) continue;
    const name = node.kind === "Member" ? node.name : node.kind === "String" ? node.value : "";
    if (name.startsWith("__")) names.add(name);
    if (node.kind === "FunctionStatement" && node.target.kind === "Member") {
      names.add(node.target.name);
    }
  }
  return names;
}

/** The metamethods of operators, and of calls. */
const ofOperators: Readonly<Record<string, string>> = {
  "+": "__add",
  "-": "__sub",
  "*": "__mul",
  "/": "__div",
  "//": "__idiv",
  "%": "__mod",
  "^": "__pow",
  "&": "__band",
  "|": "__bor",
  "~": "__bxor",
  "<<": "__shl",
  ">>": "__shr",
  "..": "__concat",
  "<": "__lt",
  ">": "__lt",
  "<=": "__le",
  ">=": "__le",
  "()": "__call",
};

/** The metamethod that an operator asks for. */
export function metamethodOf(operator: string, operands: number): string {
  if (operands === 1) return operator === "-" ? "__unm" : "__bnot";
  return ofOperators[operator]!;
}

/**
 * Whether a value of a type, which is no union, may have a metamethod.
 *
 * @param mentioned tells whether the text mentions the metamethod
 */
export function mayHave(type: Type, metamethod: string, mentioned: () => boolean): boolean {
  const found = expand(type);
  const kind = luaType(found);
  if (kind === undefined || kind === "userdata") return true;
  if (kind !== "table") return false;
  if (found.kind === "table" && found !== declaredTable) return true;
  if (found.kind === "record") {
    const known = found.open !== true && found.foreign !== true;
    if (!known || found.metamethods?.has(metamethod)) return true;
  }
  return mentioned();
}
