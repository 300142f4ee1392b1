/**
 * The types that the checker finds in a file, which may be half written.
 * @module
 */
import { importsOf } from "../app/code-graph.ts";
import { surroundingsOf } from "../app/code-types.ts";
import { typesIn } from "../language/check/check.ts";
import type { Library } from "../language/check/library.ts";
import type { Type } from "../language/check/types.ts";
import { pathTo, type Place } from "../language/scope.ts";
import type { Binding, Expression, Tree } from "../language/tree.ts";
import type { Entry } from "../registry/entry.ts";
import { scriptEntry } from "./script-entry.ts";
import type { SourceText } from "./source-text.ts";
import { type Loaded, pathOf } from "./workspace.ts";

/** What is known of a file. */
export interface Inferred {
  locals: ReadonlyMap<Binding, Type>;
  expressions: ReadonlyMap<Expression, Type>;
  /** What `alias.Type` is of. */
  module(alias: string): Library | undefined;
}

const nothing: Inferred = { locals: new Map(), expressions: new Map(), module: () => undefined };

const remembered = new WeakMap<SourceText, { context: string; inferred: Inferred }>();

/** The types of a file; nothing for one that cannot be checked. */
export function inferredIn(source: SourceText, loaded: Loaded | undefined): Inferred {
  const path = pathOf(source.uri) ?? "";
  const context = loaded?.contextOf(path) ?? "";
  const known = remembered.get(source);
  if (known?.context === context) return known.inferred;
  const entry = loaded?.entriesOf(path)[0] ?? scriptEntry(source.text);
  const view = {
    entries: loaded?.entries ?? new Map<string, Entry>(),
    sourceOf: (each: Entry) => loaded?.codeOf(each),
  };
  const imports = new Map(importsOf(entry));
  let inferred = nothing;
  try {
    const surroundings = surroundingsOf(entry, (alias) => {
      const target = imports.get(alias);
      const imported = target === undefined ? undefined : view.entries.get(target);
      return { target, library: imported && loaded?.types.check(imported, view)?.library };
    }, true);
    inferred = { ...typesIn(source.tree, surroundings), module: surroundings.module };
  } catch (error) {
    // Nested too deeply for the stack.
    if (!(error instanceof RangeError)) throw error;
  }
  remembered.set(source, { context, inferred });
  return inferred;
}

/** A member that is asked for, finished or not: of what, and its name. */
export interface AskedMember {
  object: Expression;
  name: string;
  /** Of the name. */
  place: Place;
  /** Behind a colon. */
  method: boolean;
}

/** The member whose name an offset is in. */
export function memberAt(tree: Tree, offset: number): AskedMember | undefined {
  for (const node of pathTo(tree, offset).reverse()) {
    if (!("kind" in node) || node.kind !== "Member" && node.kind !== "MethodCall") continue;
    const { object, name } = node;
    const [gap] = /^\s*[.:]\s*/.exec(tree.text.slice(object.end, object.end + 80)) ?? [];
    if (gap === undefined || offset < object.end + gap.trimEnd().length) continue;
    const start = object.end + gap.length;
    // A name that is not there yet may be on the next line, where another statement begins.
    const end = Math.max(object.end + gap.trimEnd().length, name === "" ? 0 : start + name.length);
    if (offset <= end) {
      return { object, name, place: { start, end }, method: node.kind === "MethodCall" };
    }
  }
  return undefined;
}
