import { type DocumentSymbol, SymbolKind, type WorkspaceSymbol } from "vscode-languageserver";
import { decoded } from "../language/members.ts";
import type { Place } from "../language/scope.ts";
import type { Statement } from "../language/tree.ts";
import { declarationOf } from "./navigation.ts";
import type { SourceText } from "./source-text.ts";
import { isLua, type Loaded, pathOf } from "./workspace.ts";

/** Symbols that a search returns, at most. */
const mostSymbols = 500;

/** What a document declares: functions, locals and types; or entries. */
export function documentSymbols(source: SourceText, loaded: Loaded | undefined): DocumentSymbol[] {
  if (isLua(source.uri)) return statementsSymbols(source, source.tree.body);
  const path = pathOf(source.uri);
  return (path === undefined ? undefined : loaded?.definition(path))?.entries.map((entry) => ({
    name: entry.id,
    detail: entry.kind,
    kind: symbolKind(entry.kind),
    range: entry.whole,
    selectionRange: entry.name,
  })) ?? [];
}

function symbolKind(kind: string): SymbolKind {
  if (kind.startsWith("function.")) return SymbolKind.Function;
  if (kind.startsWith("process.") || kind.startsWith("workflow.")) return SymbolKind.Class;
  return kind.startsWith("library.") ? SymbolKind.Module : SymbolKind.Object;
}

function statementsSymbols(
  source: SourceText,
  statements: readonly Statement[],
  depth = 0,
): DocumentSymbol[] {
  if (depth > 20) return [];
  const symbol = (
    name: string,
    kind: SymbolKind,
    whole: Place,
    at: Place,
    inner: readonly Statement[] = [],
  ): DocumentSymbol => ({
    name: name === "" ? "?" : name,
    kind,
    range: source.range(whole),
    selectionRange: source.range(at),
    children: statementsSymbols(source, inner, depth + 1),
  });
  const text = ({ start, end }: Place) => decoded(source.bytes.slice(start, end));
  return statements.flatMap((statement): DocumentSymbol[] => {
    switch (statement.kind) {
      case "LocalFunction": {
        const { binding, body } = statement;
        return [symbol(binding.name, SymbolKind.Function, statement, binding, body.body)];
      }
      case "FunctionStatement": {
        const { target, body, method } = statement;
        const kind = method ? SymbolKind.Method : SymbolKind.Function;
        return [symbol(text(target), kind, statement, target, body.body)];
      }
      case "Local":
        return statement.bindings.flatMap((binding) => {
          const { value } = binding;
          if (value?.kind === "Function") {
            return [symbol(binding.name, SymbolKind.Function, statement, binding, value.body)];
          }
          // Locals of functions are many, and near.
          return depth === 0 ? [symbol(binding.name, SymbolKind.Variable, statement, binding)] : [];
        });
      case "TypeDeclaration":
        return [symbol(statement.name, SymbolKind.Struct, statement, statement)];
      case "InterfaceDeclaration":
        return [symbol(statement.name, SymbolKind.Interface, statement, statement)];
      default:
        return [];
    }
  });
}

/** Entries and top-level functions of applications whose names have the letters of a query, in its order. */
export function workspaceSymbols(
  query: string,
  applications: readonly Loaded[],
): WorkspaceSymbol[] {
  const found: WorkspaceSymbol[] = [];
  for (const loaded of applications) {
    for (const { id, kind } of loaded.entries.values()) {
      if (found.length >= mostSymbols) return found;
      const location = matches(id, query) ? declarationOf(id, loaded) : undefined;
      if (location) found.push({ name: id, kind: symbolKind(kind), location, containerName: kind });
    }
    for (const file of loaded.sourceFiles) {
      const source = loaded.workspace.source(file);
      if (!source) continue;
      for (const { name, kind, selectionRange: range } of documentSymbols(source, loaded)) {
        if (found.length >= mostSymbols) return found;
        if (kind === SymbolKind.Variable || !matches(name, query)) continue;
        const container = loaded.entriesOf(file)[0]?.id ?? "";
        found.push({ name, kind, location: { uri: source.uri, range }, containerName: container });
      }
    }
  }
  return found;
}

function matches(name: string, query: string): boolean {
  let at = 0;
  const text = name.toLowerCase();
  for (const letter of query.toLowerCase()) {
    at = text.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}
