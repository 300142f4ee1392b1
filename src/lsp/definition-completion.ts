/**
 * Completion in definition files: a mark is put at the cursor, and looked for in what the file then says.
 * @module
 */
import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { type CompletionItem, CompletionItemKind, type Position } from "vscode-languageserver";
import type { Entry } from "../registry/entry.ts";
import type { Reference } from "../registry/kind.ts";
import { kinds } from "../registry/kinds.ts";
import { builtinModules } from "../registry/modules.ts";
import { DefinitionText } from "./definition-text.ts";
import { documentationOf } from "./documentation.ts";
import { describeEntry } from "./hover.ts";
import { fieldsAt, fieldSchema, kindSummary } from "./schema.ts";
import { SourceText } from "./source-text.ts";
import { type Loaded, pathOf } from "./workspace.ts";

/** Where in a definition file a cursor is. */
interface Spot {
  namespace: string;
  /** Of the entry around; undefined outside entries. */
  kind: string | undefined;
  /** From the entry to what is being written. */
  path: (string | number)[];
  /** Whether a value is being written, rather than a key. */
  isValue: boolean;
  written: string;
  /** Keys that the map has already. */
  taken: Set<string>;
}

const mark = "cursor-is-here";

/** What closes the brackets and the quote that a line opens. */
function closersOf(before: string): string {
  const open: string[] = [];
  let quote = "";
  for (const char of before) {
    if (quote !== "") { if (char === quote) quote = ""; }
    else if ((char === '"' || char === "'") && open.at(-1) !== char) quote = char;
    else if (char === "[") open.unshift("]");
    else if (char === "{") open.unshift("}");
    else if (char === "]" || char === "}") open.shift();
  }
  return quote + open.join("");
}

/** Finds the mark in a file that has it at the cursor, followed by more. */
function marked(source: SourceText, position: Position, more: string): Spot | undefined {
  const { before, after } = source.around(position);
  const offset = source.document.offsetAt(position);
  const rest = source.text.slice(offset);
  const closers = after.trim() === "" ? closersOf(before) : "";
  const text = source.text.slice(0, offset) + mark + more + closers + rest;
  const definition = new DefinitionText(SourceText.of(source.uri, text));
  const found = definition.scalars.find(({ value }) => value.includes(mark));
  // More than a word: the line continues a text that stands before it.
  if (!found || !/^\S*$/.test(found.value)) return undefined;
  const written = found.value.slice(0, found.value.indexOf(mark));
  const parent = found.path.slice(0, -1);
  const isBeside = (path: readonly unknown[]) =>
    path.length === found.path.length && parent.every((part, at) => part === path[at]);
  const beside = definition.scalars.filter(({ isKey, map, path }) =>
    isKey && map === found.map && isBeside(path)
  );
  return {
    namespace: definition.namespace ?? "",
    kind: found.kind,
    path: found.isKey ? parent : found.path,
    isValue: !found.isKey,
    written,
    taken: new Set(beside.map(({ value }) => value)),
  };
}

function spotAt(source: SourceText, position: Position): Spot | undefined {
  const { before } = source.around(position);
  if (/^\s*#/.test(before)) return undefined;
  const isElement = /^\s*- *[\w.-]*$/.test(before);
  const asValue = marked(source, position, "");
  // The first word behind a dash may become a text or a key: fields are known where entries are.
  const isEntry = isElement && asValue?.kind === undefined && asValue?.path.length === 2;
  return asValue && asValue.isValue && !isEntry ? asValue : marked(source, position, ": ");
}

/** What may be written at a position of a definition file. */
export function completeDefinition(
  source: SourceText,
  position: Position,
  loaded: Loaded | undefined,
): CompletionItem[] {
  const spot = spotAt(source, position);
  if (spot === undefined) return [];
  const { line, character } = position;
  const range = { start: { line, character: character - spot.written.length }, end: position };
  const item = (label: string, rest: Partial<CompletionItem>): CompletionItem => ({
    label,
    filterText: label,
    textEdit: { range, newText: label },
    ...rest,
  });
  const { path, kind, isValue } = spot;
  if (kind === undefined) {
    return isValue || path.length > 0
      ? []
      : ["version", "namespace", "meta", "entries"].filter((name) => !spot.taken.has(name)).map(
        (name) =>
          item(name, { kind: CompletionItemKind.Field, textEdit: { range, newText: `${name}: ` } }),
      );
  }
  const key = isValue ? path.at(-1) : undefined;
  if (isValue && path.length === 1 && key === "kind") {
    return [...kinds.keys()].sort().map((name) =>
      item(name, {
        kind: CompletionItemKind.Class,
        documentation: { kind: "markdown", value: kindSummary(name) },
      })
    );
  }
  if (path[0] === "modules" && path.length <= 2) {
    return [...builtinModules.keys()].map((name) =>
      item(name, {
        kind: CompletionItemKind.Module,
        documentation: { kind: "markdown", value: documentationOf(name)?.summary ?? "" },
      })
    );
  }
  const values = valuesAt(spot, loaded);
  if (values.length > 0) {
    return values.map(({ entry, text }) =>
      item(text, {
        kind: CompletionItemKind.Reference,
        detail: entry.kind,
        documentation: { kind: "markdown", value: describeEntry(entry) },
      })
    );
  }
  if (isValue) {
    if (key === "source") {
      return files(source).map((name) => item(name, { kind: CompletionItemKind.File }));
    }
    const words = fieldSchema(kind, path)?.values ?? [];
    return words.map((word) => item(word, { kind: CompletionItemKind.EnumMember }));
  }
  return fieldsAt(kind, path).filter(({ name }) => !spot.taken.has(name)).map((field) =>
    item(field.name, {
      kind: CompletionItemKind.Field,
      detail: field.shown,
      documentation: { kind: "markdown", value: field.text },
      textEdit: { range, newText: `${field.name}: ` },
    })
  );
}

function acceptsKind({ kinds: wanted }: Reference, kind: string): boolean {
  return wanted === undefined ||
    wanted.some((each) => each.endsWith(".") ? kind.startsWith(each) : kind === each);
}

/** Entries that the value at a place may name. */
function valuesAt(spot: Spot, loaded: Loaded | undefined): { entry: Entry; text: string }[] {
  const { path, namespace, isValue } = spot;
  if (!isValue) return [];
  const all = [...loaded?.entries.values() ?? []];
  const [first, ...rest] = path;
  if (first === "imports") {
    return all.filter(({ kind }) => kinds.get(kind)?.code).map((entry) => ({
      entry,
      text: entry.id,
    }));
  }
  const kind = kinds.get(spot.kind ?? "");
  const matches = ({ path: pattern }: Reference, written: readonly (string | number)[]) =>
    pattern.length === written.length &&
    pattern.every((part, at) => part === "*" || part === written[at]);
  const reference = first === "meta"
    ? kind?.metaReferences.find((each) => matches(each, rest))
    : kind?.references.find((each) => matches(each, path));
  if (!reference) return [];
  return all.filter((entry) => acceptsKind(reference, entry.kind)).map((entry) => {
    const own = reference.bareName && entry.id.startsWith(`${namespace}:`);
    return { entry, text: own ? entry.id.slice(namespace.length + 1) : entry.id };
  });
}

/** Sources beside a definition file. */
function files(source: SourceText): string[] {
  const path = pathOf(source.uri);
  if (path === undefined) return [];
  try {
    return readdirSync(dirname(path)).filter((name) => name.endsWith(".lua")).sort()
      .map((name) => `file://${name}`);
  } catch {
    return [];
  }
}
