/**
 * Lints the Lua files: names that nothing declares, globals that are set, locals that are never read.
 * A local whose name begins with an underscore may stay unread.
 *
 *     bun scripts/lua-lint.ts [file ...]
 * @module
 */

import { join } from "node:path";
import luaparse, { type Identifier, type Node } from "luaparse";
import { lower } from "../src/language/language.ts";
import { luaFolders, root, sourceFiles } from "./sources.ts";

/** A fault at a place of a file; lines and columns count from 1. */
export interface Finding {
  line: number;
  column: number;
  message: string;
}

const words = (text: string) => text.trim().split(/\s+/);
const language = words(`
  _VERSION assert collectgarbage error getmetatable ipairs load next pairs pcall print rawequal
  rawget rawlen rawset select setmetatable tonumber tostring type xpcall coroutine math string table
  utf8
`);
/** What every application finds without listing a module. */
const application = [
  ...language,
  ...words("process channel payload subscribe unsubscribe os errors require"),
];
/** Globals of test files. */
const testing = words("after before clock crash describe expect fake it mock");
/** What our own code finds, which the worker loads with the whole standard library. */
const trusted = [...language, ...words("_G debug host os")];
/**
 * Where `tostring` is made, which is Lua's own there; our other code takes it from here, as addresses differ in
 * replays.
 */
const tostringFile = "lua/kernel/core/stable.lua";

/** The globals that the code of a file may use. */
export function globalsOf(path: string): ReadonlySet<string> {
  if (path.endsWith("_test.lua")) return new Set([...application, ...testing]);
  if (!path.startsWith("lua/")) return new Set(application);
  const names = new Set(trusted);
  if (path !== tostringFile) names.delete("tostring");
  return names;
}

interface Local {
  name: string;
  node: Node;
  read: boolean;
}

/** Walks a tree with the scopes of Lua and collects findings. */
class Walk {
  readonly findings: Finding[] = [];
  private scopes: Map<string, Local>[] = [];

  constructor(
    private readonly globals: ReadonlySet<string>,
    private readonly closed: ReadonlySet<number>,
  ) {}

  scope(body: () => void): void {
    this.scopes.push(new Map());
    body();
    for (const local of this.scopes.pop()?.values() ?? []) this.closeLocal(local);
  }

  private closeLocal(local: Local): void {
    if (!local.read) this.report(local.node, `local "${local.name}" is never read`);
  }

  private report(node: Node, message: string): void {
    const start = node.loc?.start ?? { line: 1, column: 0 };
    this.findings.push({ line: start.line, column: start.column + 1, message });
  }

  /** `silent` is for names that need not be read: parameters and loop variables. */
  private declare(identifier: Identifier, silent = false): void {
    const scope = this.scopes.at(-1);
    if (scope === undefined) throw new Error("a name is declared outside of every scope");
    const { name } = identifier;
    const hidden = scope.get(name);
    if (hidden !== undefined) this.closeLocal(hidden);
    const read = silent || name.startsWith("_") || this.closed.has(identifier.range?.[0] ?? -1);
    scope.set(name, { name, node: identifier, read });
  }

  private find(name: string): Local | undefined {
    for (const scope of this.scopes.toReversed()) {
      const local = scope.get(name);
      if (local !== undefined) return local;
    }
    return undefined;
  }

  private assign(target: Node): void {
    if (target.type !== "Identifier") return this.visit(target);
    const { name } = target as Identifier;
    if (this.find(name) === undefined) this.report(target, `sets the global "${name}"`);
  }

  private use(identifier: Identifier): void {
    const local = this.find(identifier.name);
    if (local !== undefined) local.read = true;
    else if (!this.globals.has(identifier.name)) {
      this.report(identifier, `"${identifier.name}" is not declared`);
    }
  }

  block(statements: unknown): void {
    this.scope(() => this.all(statements));
  }

  all(nodes: unknown): void {
    for (const node of nodes as Node[]) this.visit(node);
  }

  visit(node: Node): void {
    switch (node.type) {
      case "Identifier":
        return this.use(node as Identifier);
      case "LocalStatement":
        this.all(node.init);
        for (const variable of node.variables as Identifier[]) this.declare(variable);
        return;
      case "AssignmentStatement":
        this.all(node.init);
        for (const target of node.variables as Node[]) this.assign(target);
        return;
      case "FunctionDeclaration":
        return this.visitFunction(node);
      case "ForNumericStatement":
        for (const bound of [node.start, node.end, node.step]) {
          if (bound) this.visit(bound as Node);
        }
        return this.loop([node.variable as Identifier], node.body);
      case "ForGenericStatement":
        this.all(node.iterators);
        return this.loop(node.variables as Identifier[], node.body);
      case "RepeatStatement":
        // The condition sees the locals of the body.
        return this.scope(() => {
          this.all(node.body);
          this.visit(node.condition as Node);
        });
      case "MemberExpression":
        return this.visit(node.base as Node);
      case "TableKeyString":
        return this.visit(node.value as Node);
      case "LabelStatement":
      case "GotoStatement":
        return;
      default:
        return this.visitFields(node);
    }
  }

  private visitFunction(node: Node): void {
    const name = node.identifier as Node | null;
    if (name !== null) {
      if (node.isLocal) this.declare(name as Identifier);
      else this.assign(name);
    }
    this.scope(() => {
      // `function a:b()` has a parameter that the tree does not show.
      if (name?.type === "MemberExpression" && name.indexer === ":") {
        this.declare({ type: "Identifier", name: "self" }, true);
      }
      for (const parameter of node.parameters as Node[]) {
        if (parameter.type === "Identifier") this.declare(parameter as Identifier, true);
      }
      this.all(node.body);
    });
  }

  private loop(variables: Identifier[], body: unknown): void {
    this.scope(() => {
      for (const variable of variables) this.declare(variable, true);
      this.all(body);
    });
  }

  /** Everything else: its parts in order, a body as a scope of its own. */
  private visitFields(node: Node): void {
    for (const [field, value] of Object.entries(node)) {
      if (field === "body") this.block(value);
      else if (Array.isArray(value)) this.all(value);
      else if (field !== "loc" && value !== null && typeof value === "object" && "type" in value) {
        this.visit(value as Node);
      }
    }
  }
}

const blank = (text: string) => text.replace(/[^\n]/g, " ");

/** luaparse knows Lua 5.3, so `<const>` and `<close>` are blanked, at the same length. */
function withoutAttributes(source: string): string {
  return source.replace(/^#![^\n]*/, blank).replace(/<\s*(?:const|close)\s*>/g, blank);
}

/** Where the names stand that are declared `<close>`: to be closed is their use. */
function closedNames(source: string): Set<number> {
  const found = source.matchAll(/[A-Za-z_]\w*(?=\s*<\s*close\s*>)/g);
  return new Set(Array.from(found, (match) => match.index));
}

/** The source in Lua 5.4, with the same lines. */
function withoutTypes(source: string): string {
  const lowered = lower(Buffer.from(source).toString("latin1"));
  if (lowered === undefined || "fault" in lowered) return source;
  return Buffer.from(lowered.code, "latin1").toString();
}

/** Finds the faults of a Lua source that may use the given globals, in order of their place. */
export function lintLua(source: string, globals: ReadonlySet<string>): Finding[] {
  let tree: Node;
  try {
    const options = { luaVersion: "5.3", locations: true, ranges: true } as const;
    tree = luaparse.parse(withoutAttributes(withoutTypes(source)), options);
  } catch (error) {
    const fault = error as SyntaxError & { line?: number; column?: number };
    const message = fault.message.replace(/^\[\d+:\d+\] /, "");
    return [{ line: fault.line ?? 1, column: (fault.column ?? 0) + 1, message }];
  }
  const walk = new Walk(globals, closedNames(source));
  walk.block(tree.body);
  return walk.findings.sort((a, b) => a.line - b.line || a.column - b.column);
}

async function main(args: string[]): Promise<number> {
  let faults = 0;
  for (const path of args.length > 0 ? args : sourceFiles("**/*.lua", luaFolders)) {
    const source = await Bun.file(join(root, path)).text();
    for (const { line, column, message } of lintLua(source, globalsOf(path))) {
      console.error(`${path}:${line}:${column}: ${message}`);
      faults += 1;
    }
  }
  return faults > 0 ? 1 : 0;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
