/**
 * Definitions of what is named, and the places that name it, across code and definition files.
 * @module
 */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Location, Position } from "vscode-languageserver";
import { returnedMembers } from "../language/members.ts";
import { bindingAt, literalAt, literalsOf, usesOf } from "../language/scope.ts";
import type { Binding, InterfaceDeclaration, TypeDeclaration } from "../language/tree.ts";
import { declarationAt, placesOfType } from "../language/type-uses.ts";
import type { Entry } from "../registry/entry.ts";
import { chainAround, Reading } from "./meaning.ts";
import type { Meaning } from "./member.ts";
import type { SourceText } from "./source-text.ts";
import { isLua, type Loaded, pathOf } from "./workspace.ts";

/** What the name at a position is of, where it can be renamed: a local, a type of the file, or an entry. */
export type Subject =
  | { kind: "local"; source: SourceText; binding: Binding }
  | { kind: "type"; source: SourceText; declaration: TypeDeclaration | InterfaceDeclaration }
  | { kind: "entry"; id: string };

/** What a position names. */
export function subjectAt(
  source: SourceText,
  position: Position,
  loaded: Loaded | undefined,
): Subject | undefined {
  if (isLua(source.uri)) {
    const offset = source.byteAt(position);
    const literal = literalAt(source.tree, offset);
    if (literal) {
      return loaded?.entries.has(literal.value) ? { kind: "entry", id: literal.value } : undefined;
    }
    const binding = bindingAt(source.tree, offset);
    if (binding) return { kind: "local", source, binding };
    const declaration = declarationAt(source.tree, offset);
    return declaration && { kind: "type", source, declaration };
  }
  const path = pathOf(source.uri);
  const definition = path === undefined ? undefined : loaded?.definition(path);
  const scalar = definition?.scalarAt(position);
  if (!definition || !scalar || scalar.isKey) return undefined;
  if (scalar.path.length === 1 && scalar.path[0] === "name" && scalar.entry) {
    return { kind: "entry", id: scalar.entry.id };
  }
  const reference = definition.referenceOf(scalar);
  return reference && loaded?.entries.has(reference.id)
    ? { kind: "entry", id: reference.id }
    : undefined;
}

/** Where an entry is named in the file that defines it. */
export function declarationOf(id: string, loaded: Loaded): Location | undefined {
  const origin = loaded.entries.get(id)?.origin;
  const definition = origin && loaded.definition(resolve(loaded.directory, origin.file));
  const written = definition?.entries.find((entry) => entry.id === id);
  return written && definition && { uri: definition.source.uri, range: written.name };
}

/** The function that an entry runs; the beginning of its file where that is not found. */
function codeOf(entry: Entry, loaded: Loaded): Location | undefined {
  const file = loaded.sourceFile(entry);
  const source = file === undefined ? undefined : loaded.workspace.source(file);
  if (!source) return undefined;
  const member = returnedMembers(source.tree).find(({ name }) =>
    name === (entry.data["method"] ?? "main")
  );
  const value = member?.value;
  const place = value?.kind === "Name" && value.local ? value.local : member?.at;
  return { uri: source.uri, range: source.range(place ?? { start: 0, end: 0 }) };
}

/** Where what a position names is defined. */
export function definitionAt(
  source: SourceText,
  position: Position,
  loaded: Loaded | undefined,
): Location[] {
  return isLua(source.uri)
    ? definitionInCode(source, position, loaded)
    : definitionInFile(source, position, loaded);
}

function definitionInCode(
  source: SourceText,
  position: Position,
  loaded: Loaded | undefined,
): Location[] {
  const offset = source.byteAt(position);
  const reading = new Reading(source, loaded);
  const literal = literalAt(source.tree, offset);
  if (literal) {
    const entry = loaded?.entries.get(literal.value);
    if (entry && loaded) {
      return [codeOf(entry, loaded) ?? declarationOf(entry.id, loaded)].flatMap((at) => at ?? []);
    }
    const target = reading.usable.imports.get(literal.value);
    const library = target === undefined ? undefined : loaded?.entries.get(target);
    const found = library && loaded &&
      (codeOf(library, loaded) ?? declarationOf(library.id, loaded));
    return found ? [found] : [];
  }
  const type = reading.typeAt(offset);
  if (type) return placesFound(type);
  const binding = bindingAt(source.tree, offset);
  if (binding) return [{ uri: source.uri, range: source.range(binding) }];
  const chain = chainAround(source.bytes, offset);
  const found = chain && reading.resolve(chain.names, offset);
  return placesFound(found?.at ? found : reading.typedMember(offset));
}

function placesFound(found: Meaning | undefined): Location[] {
  return found?.at
    ? [{ uri: found.at.source.uri, range: found.at.source.range(found.at.place) }]
    : [];
}

function definitionInFile(
  source: SourceText,
  position: Position,
  loaded: Loaded | undefined,
): Location[] {
  const path = pathOf(source.uri);
  const definition = path === undefined ? undefined : loaded?.definition(path);
  const scalar = definition?.scalarAt(position);
  if (!definition || !scalar || scalar.isKey || path === undefined || !loaded) return [];
  const { value, entry, path: at } = scalar;
  const own = entry && loaded.entries.get(entry.id);
  if (value.startsWith("file://")) {
    const file = value.slice("file://".length);
    const target = file.startsWith("/")
      ? resolve(loaded.directory, file.slice(1))
      : resolve(dirname(path), file);
    const start = { line: 0, character: 0 };
    return existsSync(target)
      ? [{ uri: pathToFileURL(target).href, range: { start, end: start } }]
      : [];
  }
  const isOwn = at.length === 1 && (at[0] === "method" || at[0] === "name");
  const found = isOwn
    ? own && codeOf(own, loaded)
    : declarationOf(definition.referenceOf(scalar)?.id ?? "", loaded);
  return found ? [found] : [];
}

/** Every place that names a subject; the declaration of an entry comes first. */
export function placesOf(
  subject: Subject,
  loaded: Loaded | undefined,
  withDeclaration: boolean,
): Location[] {
  if (subject.kind === "local") {
    const { source, binding } = subject;
    return usesOf(source.tree, binding)
      .filter(({ start }) => withDeclaration || start !== binding.start)
      .map((place) => ({ uri: source.uri, range: source.range(place) }));
  }
  if (subject.kind === "type") {
    const { source, declaration } = subject;
    return placesOfType(source.tree, declaration).slice(withDeclaration ? 0 : 1)
      .map((place) => ({ uri: source.uri, range: source.range(place) }));
  }
  if (!loaded) return [];
  const { id } = subject;
  const declaration = withDeclaration ? declarationOf(id, loaded) : undefined;
  const written = loaded.definitions.flatMap((definition) =>
    definition.references.filter((reference) => reference.id === id)
      .map(({ range }) => ({ uri: definition.source.uri, range }))
  );
  return [...declaration ? [declaration] : [], ...written, ...mentionsIn(id, loaded)];
}

/** Literals of code that are the id of an entry, without their quotes. */
function mentionsIn(id: string, loaded: Loaded): Location[] {
  const open = loaded.workspace.documents.flatMap(({ uri }) => {
    const path = pathOf(uri);
    return path !== undefined && isLua(uri) && path.startsWith(loaded.directory) ? [path] : [];
  });
  const files = new Set([...loaded.sourceFiles, ...loaded.testFiles, ...open]);
  return [...files].flatMap((file) => {
    const source = loaded.workspace.source(file);
    if (!source?.text.includes(id)) return [];
    return literalsOf(source.tree, id).flatMap(({ start, end }) => {
      const inner = source.bytes.indexOf(id, start);
      if (inner < 0 || inner >= end) return [];
      return [{ uri: source.uri, range: source.range({ start: inner, end: inner + id.length }) }];
    });
  });
}
