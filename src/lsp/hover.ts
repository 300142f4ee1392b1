import type { Hover, Position, Range } from "vscode-languageserver";
import { literalAt, nameAt } from "../language/scope.ts";
import { typeNameAt } from "../language/type-uses.ts";
import type { Entry } from "../registry/entry.ts";
import { documentationOf } from "./documentation.ts";
import { chainAround, Reading } from "./meaning.ts";
import { memberAt } from "./inferred.ts";
import type { Meaning } from "./member.ts";
import { fieldSchema, kindSummary } from "./schema.ts";
import type { SourceText } from "./source-text.ts";
import { isLua, type Loaded, pathOf } from "./workspace.ts";

function markdown(value: string, range: Range): Hover {
  return { contents: { kind: "markdown", value }, range };
}

/** Text of a meaning in Markdown: its declaration as Lua, and what is said of it. */
export function describeMeaning({ shown, text }: Meaning): string {
  return `\`\`\`lua\n${shown}\n\`\`\`${text === "" ? "" : `\n\n${text}`}`;
}

/** An entry in Markdown. */
export function describeEntry({ id, kind, meta, data, origin }: Entry): string {
  const comment = meta["comment"];
  const method = data["method"];
  const lines = [
    `**${id}** · \`${kind}\``,
    typeof comment === "string" ? comment : "",
    origin?.source && typeof method === "string"
      ? `runs \`${method}\` of ${origin.source.file}`
      : "",
  ];
  return lines.filter((line) => line !== "").join("\n\n");
}

/** What an editor shows of the thing at a position. */
export function hoverAt(
  source: SourceText,
  position: Position,
  loaded: Loaded | undefined,
): Hover | null {
  return isLua(source.uri)
    ? hoverInCode(source, position, loaded)
    : hoverInDefinition(source, position, loaded);
}

function hoverInCode(
  source: SourceText,
  position: Position,
  loaded: Loaded | undefined,
): Hover | null {
  const offset = source.byteAt(position);
  const { tree } = source;
  const literal = literalAt(tree, offset);
  const reading = new Reading(source, loaded);
  if (literal) {
    const entry = loaded?.entries.get(literal.value);
    if (entry) return markdown(describeEntry(entry), source.range(literal));
    const before = source.bytes.slice(Math.max(0, literal.start - 20), literal.start);
    const module = /\brequire\s*\(?\s*$/.test(before) ? reading.module(literal.value) : undefined;
    return module ? markdown(describeMeaning(module), source.range(literal)) : null;
  }
  const type = reading.typeAt(offset);
  const written = typeNameAt(tree, offset);
  if (type && written) return markdown(describeMeaning(type), source.range(written));
  const inComment = tree.comments.some(({ start, end }) => start < offset && offset <= end);
  const chain = inComment ? undefined : chainAround(source.bytes, offset);
  if (!chain) {
    const asked = inComment ? undefined : memberAt(tree, offset);
    const member = asked && reading.typedMember(offset);
    return member ? markdown(describeMeaning(member), source.range(asked.place)) : null;
  }
  const name = chain.names.at(-1)!;
  const declared = nameAt(tree, offset);
  const found = declared && "declared" in declared
    ? reading.ofBinding(declared)
    : reading.resolve(chain.names, offset) ?? reading.typedMember(offset) ??
      (chain.method ? reading.methods().find((method) => method.name === name) : undefined);
  if (!found) return null;
  const place = { start: chain.start, end: chain.start + name.length };
  return markdown(describeMeaning(found), source.range(place));
}

function hoverInDefinition(
  source: SourceText,
  position: Position,
  loaded: Loaded | undefined,
): Hover | null {
  const path = pathOf(source.uri);
  const definition = path === undefined ? undefined : loaded?.definition(path);
  const scalar = definition?.scalarAt(position);
  if (!definition || !scalar) return null;
  const { range, value, path: at, entry, isKey } = scalar;
  const reference = definition.referenceOf(scalar);
  const named = reference ? loaded?.entries.get(reference.id) : undefined;
  if (named) return markdown(describeEntry(named), range);
  if (!isKey && at[0] === "modules") {
    const module = documentationOf(value);
    return module ? markdown(`**${value}**\n\n${module.summary}`, range) : null;
  }
  if (!isKey && at.length === 1 && at[0] === "kind") return markdown(kindSummary(value), range);
  if (!isKey && at.length === 1 && at[0] === "name" && entry) {
    const own = loaded?.entries.get(entry.id);
    return own ? markdown(describeEntry(own), range) : null;
  }
  if (!isKey || entry === undefined) return null;
  const field = fieldSchema(entry.kind, at);
  return field ? markdown(`\`${value}\`: ${field.shown}\n\n${field.text}`.trim(), range) : null;
}
