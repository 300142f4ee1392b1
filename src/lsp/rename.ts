import {
  ErrorCodes,
  type Position,
  type Range,
  ResponseError,
  type TextEdit,
  type WorkspaceEdit,
} from "vscode-languageserver";
import { parseId } from "../registry/entry.ts";
import { isInside } from "./definition-text.ts";
import { placesOf, type Subject, subjectAt } from "./navigation.ts";
import type { SourceText } from "./source-text.ts";
import type { Loaded } from "./workspace.ts";

const luaKeywords: ReadonlySet<string> = new Set(
  ("and break do else elseif end false for function goto if in local nil not or repeat return then " +
    "true until while").split(" "),
);

function refuse(message: string): ResponseError<void> {
  return new ResponseError(ErrorCodes.InvalidParams, message);
}

function found(
  source: SourceText,
  position: Position,
  loaded: Loaded | undefined,
): { subject: Subject; range: Range } {
  const subject = subjectAt(source, position, loaded);
  const places = subject ? placesOf(subject, loaded, true) : [];
  const here = places.find(({ uri, range }) => uri === source.uri && isInside(position, range));
  if (subject && here) return { subject, range: here.range };
  throw refuse("only locals, types and entries can be renamed");
}

/** The range of what would be renamed, and its name. @throws ResponseError where there is nothing */
export function prepareRename(
  source: SourceText,
  position: Position,
  loaded: Loaded | undefined,
): { range: Range; placeholder: string } {
  const { subject, range } = found(source, position, loaded);
  const placeholder = subject.kind === "local"
    ? subject.binding.name
    : subject.kind === "type"
    ? subject.declaration.name
    : parseId(subject.id).name;
  return { range, placeholder };
}

/**
 * Renames a local in its scope, a type in its file, or an entry wherever it is named.
 *
 * @param name of an entry: its name, or its whole id with the same namespace
 * @throws ResponseError for what cannot be renamed, or a name that cannot be given
 */
export function rename(
  source: SourceText,
  position: Position,
  name: string,
  loaded: Loaded | undefined,
): WorkspaceEdit {
  const { subject } = found(source, position, loaded);
  const places = placesOf(subject, loaded, true);
  const changes: Record<string, TextEdit[]> = {};
  const edit = (uri: string, range: Range, newText: string) => {
    (changes[uri] ??= []).push({ range, newText });
  };
  if (subject.kind !== "entry") {
    if (!/^[A-Za-z_]\w*$/.test(name) || luaKeywords.has(name)) {
      throw refuse(`"${name}" is no name of Lua: write letters, digits and _`);
    }
    for (const { uri, range } of places) edit(uri, range, name);
    return { changes };
  }
  const { namespace } = parseId(subject.id);
  const bare = name.startsWith(`${namespace}:`) ? name.slice(namespace.length + 1) : name;
  if (!/^[\w.-]+$/.test(bare)) throw refuse(`"${name}" is no name of an entry of ${namespace}`);
  const id = `${namespace}:${bare}`;
  if (loaded?.entries.has(id)) throw refuse(`there is an entry ${id} already`);
  for (const { uri, range } of places) {
    // A name without its namespace stays one.
    const length = range.end.character - range.start.character;
    edit(uri, range, length === subject.id.length ? id : bare);
  }
  return { changes };
}
