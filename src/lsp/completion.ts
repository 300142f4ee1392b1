import {
  type CompletionItem,
  CompletionItemKind,
  type CompletionList,
  type Position,
} from "vscode-languageserver";
import { isCode } from "../app/code-graph.ts";
import { sandboxGlobals } from "../app/sandbox-globals.ts";
import { builtinTypes } from "../language/erase.ts";
import { requiredBy } from "../language/describe.ts";
import { visibleAt } from "../language/scope.ts";
import type { Entry } from "../registry/entry.ts";
import { builtinModules } from "../registry/modules.ts";
import { testGlobals } from "../testing/library/library.ts";
import { completeDefinition } from "./definition-completion.ts";
import { globalFunctions } from "./documentation.ts";
import { describeEntry, describeMeaning } from "./hover.ts";
import { chainAt, Reading } from "./meaning.ts";
import { memberAt } from "./inferred.ts";
import type { Meaning, MeaningKind } from "./member.ts";
import type { SourceText } from "./source-text.ts";
import { isTypePosition, typeParametersAt } from "./type-position.ts";
import { isLua, type Loaded, pathOf } from "./workspace.ts";

const itemKinds: Readonly<Record<MeaningKind, CompletionItemKind>> = {
  local: CompletionItemKind.Variable,
  function: CompletionItemKind.Function,
  method: CompletionItemKind.Method,
  field: CompletionItemKind.Field,
  constant: CompletionItemKind.Constant,
  module: CompletionItemKind.Module,
  type: CompletionItemKind.Class,
};

const keywords =
  ("and break do else elseif end false for function goto if in local nil not or repeat return then " +
    "true until while type interface").split(" ");

/** What may be written at a position. */
export function completeAt(
  source: SourceText,
  position: Position,
  loaded: Loaded | undefined,
): CompletionList {
  const items = isLua(source.uri)
    ? completeCode(source, position, loaded)
    : completeDefinition(source, position, loaded);
  return { isIncomplete: false, items };
}

function itemOf(meaning: Meaning): CompletionItem {
  return {
    label: meaning.name,
    kind: itemKinds[meaning.kind],
    detail: meaning.signature?.label ?? meaning.shown,
    ...(meaning.text !== "" && {
      documentation: { kind: "markdown", value: describeMeaning(meaning) },
    }),
  };
}

/** The first argument of a call that names an entry, up to the cursor. */
const entryArgument =
  /\.(call|async|spawn|spawn_monitored|spawn_linked|spawn_linked_monitored|exec|execute)\s*\(\s*["']([\w.:-]*)$/;
const requireArgument = /\brequire\s*\(?\s*["']([\w.:-]*)$/;

function completeCode(
  source: SourceText,
  position: Position,
  loaded: Loaded | undefined,
): CompletionItem[] {
  const offset = source.byteAt(position);
  const { tree, bytes } = source;
  const { before } = source.around(position);
  const reading = new Reading(source, loaded);
  const required = requireArgument.exec(before);
  if (required) return modules(reading, source, loaded);
  const called = entryArgument.exec(before);
  if (called) return entries(called[2]!, position, loaded);
  const silent = tree.comments.some(({ start, end }) => start < offset && offset <= end) ||
    isInText(before);
  const chain = silent ? undefined : chainAt(bytes, offset);
  if (silent) return [];
  if (isTypePosition(tree, offset, before)) return types(reading, offset, before);
  const asked = memberAt(tree, offset);
  if (asked && !(chain && chain.names.length > 1)) {
    const found = reading.typedMembers(offset);
    return found.filter(({ kind }) => !asked.method || kind === "method" || kind === "function")
      .map(itemOf);
  }
  if (chain && chain.names.length > 1) {
    const owner = reading.resolve(chain.names.slice(0, -1), chain.start);
    const written = owner?.members?.() ?? [];
    // Conditions around it may say more than its declaration.
    const known = new Set(written.map(({ name }) => name));
    const more = reading.typedMembers(offset).filter(({ name }) => !known.has(name));
    const members = [...written, ...more];
    if (!chain.method) return members.map(itemOf);
    const methods = members.filter(({ kind }) => kind === "method" || kind === "function");
    return distinct(methods.length > 0 ? methods : reading.methods()).map(itemOf);
  }
  // A name behind a brace or a comma may be that of a field.
  const fields = /(?:^|[{,;])\s*\w*$/.test(before) ? reading.missingFields(offset) : [];
  return [
    ...fields.map((field) => ({ ...itemOf(field), sortText: `  ${field.name}` })),
    ...names(reading, offset),
  ];
}

/** The types that may be named: those of a module behind its name, else all. */
function types(reading: Reading, offset: number, before: string): CompletionItem[] {
  const item = (label: string, order: string): CompletionItem => ({
    label,
    kind: CompletionItemKind.Class,
    sortText: `${order}${label}`,
  });
  const [, module] = /([A-Za-z_]\w*)\s*\.\s*\w*$/.exec(before) ?? [];
  if (module !== undefined) {
    return reading.typesOf(module, offset).map((name) => item(name, "0"));
  }
  const modules = new Set(
    visibleAt(reading.tree, offset).filter((binding) => requiredBy(binding) !== undefined)
      .map(({ name }) => name)
      .filter((name) => reading.typesOf(name, offset).length > 0),
  );
  return [
    ...typeParametersAt(reading.tree, offset).map((name) => item(name, "0")),
    ...reading.tree.types.map(({ name }) => item(name, "1")),
    ...[...builtinTypes, "table"].map((name) => item(name, "2")),
    ...[...modules].map((name) => ({
      label: name,
      kind: CompletionItemKind.Module,
      sortText: `3${name}`,
    })),
  ];
}

/** Whether a line ends inside a short text. */
function isInText(before: string): boolean {
  return /^(?:[^"'\\]|\\.|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*["'](?:[^"'\\]|\\.)*$/.test(
    before,
  ) &&
    !/^(?:[^"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*$/.test(before);
}

function distinct(meanings: readonly Meaning[]): Meaning[] {
  return [...new Map(meanings.map((meaning) => [meaning.name, meaning])).values()];
}

function names(reading: Reading, offset: number): CompletionItem[] {
  const found = new Map<string, CompletionItem>();
  const add = (item: CompletionItem) => {
    if (!found.has(item.label)) found.set(item.label, item);
  };
  for (const binding of visibleAt(reading.tree, offset).reverse()) {
    add({ ...itemOf(reading.ofBinding(binding)), sortText: `0${binding.name}` });
  }
  for (const { name } of reading.tree.types) {
    add({ label: name, kind: CompletionItemKind.Class, sortText: `1${name}` });
  }
  for (const { name, signature } of globalFunctions()) {
    add({
      label: name,
      kind: CompletionItemKind.Function,
      detail: signature,
      sortText: `2${name}`,
    });
  }
  for (const name of [...sandboxGlobals, ...reading.usable.modules]) {
    const module = reading.module(name);
    add(
      module
        ? { ...itemOf(module), sortText: `2${name}` }
        : { label: name, kind: CompletionItemKind.Variable, sortText: `2${name}` },
    );
  }
  if (reading.source.uri.endsWith("_test.lua")) {
    for (const name of testGlobals) {
      add({ label: name, kind: CompletionItemKind.Function, sortText: `2${name}` });
    }
  }
  for (const name of keywords) {
    add({ label: name, kind: CompletionItemKind.Keyword, sortText: `3${name}` });
  }
  for (const name of builtinTypes) {
    add({ label: name, kind: CompletionItemKind.Class, sortText: `3${name}` });
  }
  return [...found.values()];
}

function modules(
  reading: Reading,
  source: SourceText,
  loaded: Loaded | undefined,
): CompletionItem[] {
  const { modules, imports } = reading.usable;
  const path = pathOf(source.uri);
  const isEntry = path !== undefined && (loaded?.entriesOf(path).length ?? 0) > 0;
  const listed = [...imports.keys(), ...modules];
  const others = isEntry ? [...builtinModules.keys()].filter((name) => !listed.includes(name)) : [];
  const item = (name: string, order: string, detail?: string): CompletionItem => {
    const module = reading.module(name);
    return {
      ...(module ? itemOf(module) : { label: name, kind: CompletionItemKind.Module }),
      sortText: order + name,
      ...(detail !== undefined && { detail }),
    };
  };
  return [
    ...listed.map((name) => item(name, "0", imports.get(name))),
    ...others.map((name) => item(name, "1", "not listed under modules: of the entry")),
  ];
}

function entries(
  written: string,
  position: Position,
  loaded: Loaded | undefined,
): CompletionItem[] {
  const start = { line: position.line, character: position.character - written.length };
  const range = { start, end: position };
  return [...loaded?.entries.values() ?? []]
    .filter((entry) => isCode(entry) && entry.kind !== "library.lua")
    .map((entry) => entryItem(entry, range));
}

/** An entry as a completion: the whole id, whatever of it is written. */
export function entryItem(
  entry: Entry,
  range: { start: Position; end: Position },
  text: string = entry.id,
): CompletionItem {
  return {
    label: text,
    kind: CompletionItemKind.Reference,
    detail: entry.kind,
    documentation: { kind: "markdown", value: describeEntry(entry) },
    filterText: text,
    textEdit: { range, newText: text },
  };
}
