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

/** What of a tree erasing takes. */
export type Erasable = Pick<
  Tree,
  "text" | "edits" | "foreignStrings" | "cutOperands" | "types" | "globals" | "assigned"
>;

/** Turns a sound tree into Lua 5.4 with the same lines. */
export function erase(tree: Tree): ErasedText {
  const edits = tree.selfReferences.map(({ bindings: [binding] }) => {
    const { name, type, end } = binding!;
    return insertion(type?.end ?? end, `; ${name}`);
  });
  return eraseParts({ ...tree, edits: [...tree.edits, ...edits] });
}

/** The same where `local f = function` is among the edits. */
export function eraseParts(parts: Erasable): ErasedText {
  const edits: Edit[] = [...parts.edits, ...parts.foreignStrings];
  for (const { start, end } of parts.cutOperands) {
    edits.push(insertion(start, "("), insertion(end, ")"));
  }
  const uses = typeUses(parts);
  for (const { start } of uses) edits.push(insertion(start, `${typeTable}.`));
  return { code: apply(parts.text, edits), usesTypes: uses.length > 0 };
}

function insertion(at: number, text: string): Edit {
  return { start: at, end: at, text };
}

/** Whether a text without annotations uses built-in types, for which Lua has no values. */
export function castsOnly(globals: Erasable["globals"]): boolean {
  return globals.some(({ name, used }) => used && builtinTypes.has(name) && name !== "string");
}

/** Names that mean a type, and not the global of the name. */
function typeUses({ types, globals, assigned }: Erasable): { start: number }[] {
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
