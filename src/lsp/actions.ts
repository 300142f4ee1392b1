import { resolve } from "node:path";
import {
  type CodeAction,
  CodeActionKind,
  type Diagnostic,
  type Range,
  type TextEdit,
} from "vscode-languageserver";
import { isScalar, isSeq, type Node } from "yaml";
import { isCode } from "../app/code-graph.ts";
import { bindingAt, pathTo } from "../language/scope.ts";
import { renameUnread, unreadName } from "../language/unread.ts";
import type { SourceText } from "./source-text.ts";
import { isLua, type Loaded, pathOf } from "./workspace.ts";

/** An edit of one or several files that mends a diagnostic. */
interface Fix {
  title: string;
  changes: Record<string, TextEdit[]>;
}

/** What mends the diagnostics of a range: what their hints suggest, and fixes of rules. */
export function actionsFor(
  source: SourceText,
  diagnostics: readonly Diagnostic[],
  loaded: Loaded | undefined,
): CodeAction[] {
  return diagnostics.flatMap((diagnostic) =>
    [...hinted(source, diagnostic, loaded), ...ruled(source, diagnostic)].map((
      { title, changes },
    ) => ({
      title,
      kind: CodeActionKind.QuickFix,
      diagnostics: [diagnostic],
      isPreferred: true,
      edit: { changes },
    }))
  );
}

/** The hint of a diagnostic, which an editor may have sent back in its message only. */
function hintOf({ data, message }: Diagnostic): string {
  if (typeof data === "object" && data !== null && "hint" in data) {
    return typeof data.hint === "string" ? data.hint : "";
  }
  return typeof message === "string" ? message.split("\n").at(-1) ?? "" : "";
}

function hinted(source: SourceText, diagnostic: Diagnostic, loaded: Loaded | undefined): Fix[] {
  const hint = hintOf(diagnostic);
  const { uri } = source;
  const wanted = /^did you mean "([^"]+)"\?/.exec(hint)?.[1] ?? /^write "([^"]+)"/.exec(hint)?.[1];
  if (wanted !== undefined && !/[<>*]|namespace:name/.test(wanted)) {
    const edit = { range: meantBy(source, diagnostic), newText: wanted };
    return [{ title: `Change to ${wanted}`, changes: { [uri]: [edit] } }];
  }
  const module = /^list (\S+) under modules: of the entry$/.exec(hint)?.[1];
  return module === undefined || !loaded ? [] : listModule(source, module, loaded);
}

/** The part of a diagnostic's text that its hint corrects. */
function meantBy(source: SourceText, { code, range }: Diagnostic): Range {
  if (code !== "E0004") return unquoted(source, range);
  // A field is at the end of the expression that asks for it.
  const { document } = source;
  const found = /(\w+)["'\]\s]*$/.exec(document.getText(range));
  if (!found) return range;
  const start = document.offsetAt(range.start) + found.index;
  return {
    start: document.positionAt(start),
    end: document.positionAt(start + found[1]!.length),
  };
}

/** What is between the quotes of a literal. */
function unquoted(source: SourceText, range: Range): Range {
  const text = source.document.getText(range);
  if (!/^(["']).*\1$/.test(text)) return range;
  return {
    start: { ...range.start, character: range.start.character + 1 },
    end: { ...range.end, character: range.end.character - 1 },
  };
}

/** Adds a module to the entries whose code a file holds. */
function listModule(source: SourceText, module: string, loaded: Loaded): Fix[] {
  const path = pathOf(source.uri);
  const entries = path === undefined ? [] : loaded.entriesOf(path).filter(isCode);
  const changes: Record<string, TextEdit[]> = {};
  for (const { id, origin, data } of entries) {
    const listed = data["modules"];
    if (!origin || Array.isArray(listed) && listed.includes(module)) continue;
    const definition = loaded.definition(resolve(loaded.directory, origin.file));
    const written = definition?.entries.find((entry) => entry.id === id);
    if (!definition || !written) continue;
    const { document } = definition.source;
    const modules = written.map.get("modules", true);
    const insert = (offset: number, newText: string) => {
      const position = document.positionAt(offset);
      const range = { start: position, end: position };
      (changes[definition.source.uri] ??= []).push({ range, newText });
    };
    if (isSeq(modules)) {
      const last = modules.items.at(-1) as Node | undefined;
      if (modules.flow) {
        const end = last?.range?.[1] ?? modules.range![0] + 1;
        insert(end, last ? `, ${module}` : module);
      } else if (last?.range) {
        const { character } = document.positionAt(last.range[0]);
        insert(last.range[1], `\n${" ".repeat(Math.max(0, character - 2))}- ${module}`);
      }
      continue;
    }
    if (modules !== undefined) continue;
    const beside = written.map.items.find(({ key }) => isScalar(key) && key.value === "kind");
    const value = beside?.value as Node | undefined;
    if (!value?.range) continue;
    const { character } = document.positionAt((beside!.key as Node).range![0]);
    const separator = written.map.flow ? ", " : `\n${" ".repeat(character)}`;
    insert(value.range[1], `${separator}modules: [${module}]`);
  }
  if (Object.keys(changes).length === 0) return [];
  return [{ title: `List ${module} under modules: of the entry`, changes }];
}

/** Fixes of rules of style that change nothing else. */
function ruled(source: SourceText, { code, range }: Diagnostic): Fix[] {
  if (!isLua(source.uri)) return [];
  const { tree, uri } = source;
  const offset = source.byteAt(range.start);
  const binding = bindingAt(tree, offset);
  switch (code) {
    case "W0002": {
      const at = { start: range.start, end: range.start };
      const edit = { range: at, newText: "local " };
      const statement = pathTo(tree, offset).findLast((node) =>
        "kind" in node && node.kind === "Assign"
      );
      if (statement?.start !== offset) return [];
      return [{ title: "Declare it as a local", changes: { [uri]: [edit] } }];
    }
    case "W0004": {
      // Where the name is taken, renaming would change what the code means.
      const edits = binding && renameUnread(tree, binding);
      if (!edits) return [];
      const changes = edits.map(({ start, end, text }) => ({
        range: source.range({ start, end }),
        newText: text,
      }));
      return [{ title: `Rename to ${unreadName(binding)}`, changes: { [uri]: changes } }];
    }
    case "W0006": {
      const statement = tree.body.find((node) =>
        node.kind === "Local" && node.bindings.length === 1 && node.bindings[0] === binding
      );
      if (!statement) return [];
      const { start, end } = source.range(statement);
      const alone = source.around(start).before.trim() === "" &&
        source.around(end).after.trim() === "";
      const whole = alone
        ? { start: { ...start, character: 0 }, end: { line: end.line + 1, character: 0 } }
        : { start, end };
      const title = `Remove the unused module ${binding!.name}`;
      return [{ title, changes: { [uri]: [{ range: whole, newText: "" }] } }];
    }
    default:
      return [];
  }
}
