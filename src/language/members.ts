/**
 * What a program puts into its tables, and what it says of it in comments.
 * @module
 */
import { isBinding, nodesOf, type Place } from "./scope.ts";
import type { Binding, Expression, FunctionBody, Tree } from "./tree.ts";

/** A field that a program gives to a table. */
export interface TableMember {
  name: string;
  /** Where the name is written. */
  at: Place;
  value?: Expression;
  /** Declared with a colon. */
  method: boolean;
  /** Where what declares it begins: a comment may stand above. */
  start: number;
}

/** The fields of a literal table that have names. */
export function fieldsOf(table: Extract<Expression, { kind: "Table" }>): TableMember[] {
  return table.fields.flatMap(({ key, value, start }) =>
    key?.kind === "String"
      ? [{ name: key.value, at: { start: key.start, end: key.end }, value, method: false, start }]
      : []
  );
}

/** The fields of the table that a local holds: of its literal, and of what is assigned to it anywhere. */
export function membersOf(tree: Tree, binding: Binding): TableMember[] {
  const found = new Map<string, TableMember>();
  const add = (member: TableMember) => {
    if (!found.has(member.name)) found.set(member.name, member);
  };
  if (binding.value?.kind === "Table") fieldsOf(binding.value).forEach(add);
  const isOwn = (target: Expression): target is Extract<Expression, { kind: "Member" }> =>
    target.kind === "Member" && target.object.kind === "Name" && target.object.local === binding;
  const assigned: TableMember[] = [];
  for (const node of nodesOf(tree)) {
    if (isBinding(node) || !("kind" in node)) continue;
    if (node.kind === "FunctionStatement" && isOwn(node.target)) {
      const { name, nameStart: start, end } = node.target;
      const { method, body: value } = node;
      assigned.push({ name, at: { start, end }, value, method, start: node.start });
    } else if (node.kind === "Assign") {
      node.targets.forEach((target, index) => {
        if (!isOwn(target)) return;
        const value = node.values[index];
        const at = { start: target.nameStart, end: target.end };
        const { name, start } = target;
        assigned.push({ name, at, ...(value && { value }), method: false, start });
      });
    }
  }
  assigned.sort((one, other) => one.start - other.start).forEach(add);
  return [...found.values()];
}

/** The fields of what a chunk returns, where it returns a table. */
export function returnedMembers(tree: Tree): TableMember[] {
  const last = tree.body.at(-1);
  const value = last?.kind === "Return" ? last.values[0] : undefined;
  if (value?.kind === "Table") return fieldsOf(value);
  return value?.kind === "Name" && value.local ? membersOf(tree, value.local) : [];
}

/** The function that a value is: itself, or what the local that it names was declared with. */
export function functionOf(value: Expression | undefined): FunctionBody | undefined {
  if (value?.kind === "Function") return value;
  return value?.kind === "Name" && value.local?.value?.kind === "Function"
    ? value.local.value
    : undefined;
}

/** Bytes, one per character, as text. */
export function decoded(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString();
}

/** The comments on the lines above an offset, without their dashes; "" where there are none. */
export function commentAbove({ text, comments }: Tree, offset: number): string {
  const lines: string[] = [];
  let below = text.lastIndexOf("\n", offset - 1) + 1;
  for (let at = comments.length - 1; at >= 0; at--) {
    const { start, end } = comments[at]!;
    if (start >= below) continue;
    const lineStart = text.lastIndexOf("\n", start - 1) + 1;
    const alone = text.slice(lineStart, start).trim() === "";
    if (!alone || !/^[ \t\r]*\n$/.test(text.slice(end, below))) break;
    lines.unshift(decoded(text.slice(start, end)));
    below = lineStart;
  }
  return lines.map((line) =>
    line.replace(/^--\[(=*)\[([^]*?)\]\1\]$/, "$2").replace(/^---? ?/, "").trimEnd()
  ).join("\n").trim();
}

/** How a function is called: `name(a, b: string): integer`, and the text of each parameter. */
export interface Signature {
  label: string;
  parameters: string[];
}

/** The signature of a function as its text shows it. */
export function signatureOf({ text }: Tree, name: string, body: FunctionBody): Signature {
  const parameters = body.parameters.map(({ name, type }) =>
    type ? `${name}: ${decoded(text.slice(type.start, type.end))}` : name
  );
  if (body.vararg) parameters.push("...");
  const results = body.results?.map(({ start, end }) => decoded(text.slice(start, end))) ?? [];
  const shown = results.length === 0
    ? ""
    : `: ${results.length === 1 ? results[0] : `(${results.join(", ")})`}`;
  return { label: `${name}(${parameters.join(", ")})${shown}`, parameters };
}
