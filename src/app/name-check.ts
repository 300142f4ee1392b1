import type { EntryMention } from "../language/mentions.ts";
import type { Tree } from "../language/tree.ts";
import type { Entry } from "../registry/entry.ts";
import { kinds } from "../registry/kinds.ts";
import { builtinModules, isModule } from "../registry/modules.ts";
import { suggest } from "../registry/suggestion.ts";
import { importsOf, modulesOf, notInWorkflow } from "./code-graph.ts";
import { sandboxGlobals } from "./sandbox-globals.ts";
import { type Excerpt, excerptOf } from "./excerpt.ts";

/** A name in code that means nothing. */
export interface NameFault {
  severity: "error" | "warning";
  line: number;
  column: number;
  code: string;
  message: string;
  fix: string;
  excerpt: Excerpt;
}

/** A module that code requires, and that its entry does not list; offsets are in bytes. */
interface Unlisted {
  start: number;
  end: number;
  message: string;
  fix: string;
}

/** What an entry lists for its code. */
function listedFor(entry: Entry): string[] {
  return [...sandboxGlobals, ...modulesOf(entry), ...importsOf(entry).map(([alias]) => alias)];
}

/** How the code of an entry comes to a module that the entry does not list. */
function howToUse(name: string, { kind }: Entry): string {
  return kind === "workflow.lua" && builtinModules.get(name)?.workflows === false
    ? notInWorkflow
    : `list ${name} under modules: of the entry`;
}

/** Modules that the code of an entry requires, and that it does not list. */
export function unlistedModules(tree: Tree, entry: Entry): Unlisted[] {
  const { required } = require(
    "../language/mentions.ts",
  ) as typeof import("../language/mentions.ts");
  const known = listedFor(entry);
  return required(tree).filter(({ name }) => !known.includes(name)).map(({ name, start, end }) => ({
    start,
    end,
    message: `nothing declares the module ${name}`,
    fix: isModule(name)
      ? howToUse(name, entry)
      : suggest(name, known, "list it under modules: or imports: of the entry"),
  }));
}

/** What is wrong with an entry that is called or started. */
function wrongTarget(
  { name, module }: EntryMention,
  entries: ReadonlyMap<string, Entry>,
): { message: string; fix: string } | undefined {
  const entry = entries.get(name);
  if (!entry) {
    const fix = suggest(name, [...entries.keys()], "correct the id");
    return { message: `entry not found: ${name}`, fix };
  }
  const unit = kinds.get(entry.kind)?.code?.unit;
  const isFunction = unit === "function";
  const starts = unit === "process" || unit === "workflow";
  if (module === "funcs" ? isFunction : starts) return undefined;
  const message = `${name} is a ${entry.kind}, which ${
    module === "funcs" ? "cannot be called" : "cannot be started"
  }`;
  const fix = isFunction
    ? "call it with funcs.call"
    : starts
    ? "start it with process.spawn or process.exec"
    : unit === "library"
    ? "list it under imports: of the entry, and require it"
    : "correct the id";
  return { message, fix };
}

/**
 * Names of a sound text that mean nothing: globals that nobody has, modules that the entry does not list, and entries
 * that are not there or of another kind.
 *
 * @param read a tree that may be that of the text
 */
export function nameFaults(
  code: string,
  entry: Entry,
  entries: ReadonlyMap<string, Entry>,
  read?: { bytes: string; tree: Tree },
): NameFault[] {
  // Loaded when names are to be checked.
  const { parse, positionAt } = require(
    "../language/language.ts",
  ) as typeof import("../language/language.ts");
  const { entriesCalled, undeclared } = require(
    "../language/mentions.ts",
  ) as typeof import("../language/mentions.ts");
  const bytes = Buffer.from(code).toString("latin1");
  const tree = read?.bytes === bytes ? read.tree : parse(bytes);
  const known = listedFor(entry);
  const place = ({ start, end }: { start: number; end: number }) => ({
    ...positionAt(bytes, start),
    excerpt: excerptOf(bytes, start, end),
  });
  const globals = undeclared(tree).filter(({ name }) => !known.includes(name)).map((mention) => ({
    severity: "warning" as const,
    code: "E0001",
    message: `nothing defines the global ${mention.name}`,
    fix: builtinModules.has(mention.name)
      ? howToUse(mention.name, entry)
      : suggest(mention.name, known, "declare it with local, or define it"),
    ...place(mention),
  }));
  const modules = unlistedModules(tree, entry).map(({ message, fix, ...found }) => ({
    severity: "error" as const,
    code: "E0090",
    message,
    fix,
    ...place(found),
  }));
  const calls = entriesCalled(tree).flatMap((mention) => {
    const wrong = wrongTarget(mention, entries);
    return wrong
      ? [{ severity: "error" as const, code: "E0091", ...wrong, ...place(mention) }]
      : [];
  });
  return [...globals, ...modules, ...calls].sort((a, b) => a.line - b.line || a.column - b.column);
}
