import type { Edit, Tree } from "./tree.ts";

/** The name under which lowered code finds the chunk's type values. */
export const typeTable = "__ty";

/** Names of types that every chunk has as values. */
export const builtinTypes: ReadonlySet<string> = new Set(
  "nil boolean number integer string any unknown never".split(" "),
);

/** Text of Lua 5.4, each character a byte. */
export interface ErasedText {
  code: string;
  /** Whether the code uses {@link typeTable}. */
  usesTypes: boolean;
}

/** Where several insertions meet, in this order. */
const order = [")", ";", "("];

/** Turns a sound tree into Lua 5.4 with the same lines. */
export function erase(tree: Tree): ErasedText {
  const edits: Edit[] = [...tree.edits, ...tree.foreignStrings];
  for (const { start, end } of tree.cutOperands) {
    edits.push(insertion(start, "("), insertion(end, ")"));
  }
  for (const { bindings: [binding] } of tree.selfReferences) {
    const { name, type, end } = binding!;
    edits.push(insertion(type?.end ?? end, `; ${name}`));
  }
  const uses = typeUses(tree);
  for (const { start } of uses) edits.push(insertion(start, `${typeTable}.`));
  return { code: apply(tree.text, edits), usesTypes: uses.length > 0 };
}

function insertion(at: number, text: string): Edit {
  return { start: at, end: at, text };
}

/** Names that mean a type, and not the global of the name. */
function typeUses({ types, globals, assigned }: Tree): { start: number }[] {
  const declared = new Set(types.map(({ name }) => name));
  return globals.filter(({ name, used }) =>
    used ? declared.has(name) || builtinTypes.has(name) : declared.has(name) && !assigned.has(name)
  );
}

function rank({ start, end, text }: Edit): number {
  if (start !== end || text === undefined) return order.length + 1;
  const found = order.indexOf(text);
  return found < 0 ? order.length : found;
}

function apply(text: string, edits: Edit[]): string {
  edits.sort((a, b) => a.start - b.start || rank(a) - rank(b));
  const parts: string[] = [];
  let at = 0;
  for (const { start, end, text: inserted } of edits) {
    // What is inside of something erased is erased with it.
    if (start < at) continue;
    parts.push(text.slice(at, start), inserted ?? text.slice(start, end).replace(/[^\r\n]/g, " "));
    at = end;
  }
  parts.push(text.slice(at));
  return parts.join("");
}
