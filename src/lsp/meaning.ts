/**
 * What a name in Lua code means: a local, a module, a member of either, an entry's code.
 * @module
 */
import { importsOf } from "../app/code-graph.ts";
import type { Entry } from "../registry/entry.ts";
import { scriptEntry } from "./script-entry.ts";
import { requiredBy } from "../language/describe.ts";
import { Lexer } from "../language/lexer.ts";
import {
  commentAbove,
  functionOf,
  membersOf,
  returnedMembers,
  signatureOf,
  type TableMember,
} from "../language/members.ts";
import { visibleAt } from "../language/scope.ts";
import type { Binding, FunctionBody, Tree } from "../language/tree.ts";
import { check } from "../language/check/check.ts";
import { dynamic, textOf, type Type, widen } from "../language/check/types.ts";
import { surroundingsOf } from "../app/code-types.ts";
import { moduleLibrary } from "../app/module-types.ts";
import { documentationOf, globalFunctions } from "./documentation.ts";
import { documented, type Meaning } from "./member.ts";
import type { SourceText } from "./source-text.ts";
import { membersOfType } from "./type-members.ts";
import { type Loaded, pathOf, type Usable, usableIn } from "./workspace.ts";

/** Names that are joined by dots and colons, at their places; the last may be unfinished. */
export interface Chain {
  names: string[];
  /** Whether a colon stands before the last name. */
  method: boolean;
  /** Of the last name. */
  start: number;
}

/** A file of code, with what it may use. */
export class Reading {
  readonly usable: Usable;

  constructor(readonly source: SourceText, readonly loaded: Loaded | undefined) {
    const path = pathOf(source.uri);
    this.usable = usableIn(path === undefined ? [] : loaded?.entriesOf(path) ?? []);
  }

  get tree(): Tree {
    return this.source.tree;
  }

  /** What a chain of names means at an offset. */
  resolve(names: readonly string[], offset: number): Meaning | undefined {
    const [first, ...rest] = names;
    if (first === undefined) return undefined;
    let found = this.#named(first, offset);
    for (const name of rest) {
      found = found?.members?.().find((member) => member.name === name);
    }
    return found;
  }

  #named(name: string, offset: number): Meaning | undefined {
    const binding = visibleAt(this.tree, offset).findLast((each) => each.name === name);
    if (binding) return this.ofBinding(binding);
    const type = this.tree.types.find((each) => each.name === name);
    if (type) {
      const shown = Buffer.from(this.tree.text.slice(type.start, type.end), "latin1").toString();
      const text = commentAbove(this.tree, type.start);
      return { name, kind: "type", shown, text, at: { source: this.source, place: type } };
    }
    const plain = globalFunctions().find((each) => each.name === name);
    if (plain) return documented(plain, "function");
    return this.module(name);
  }

  /** What `require` returns for a name, or a global table of that name. */
  module(name: string): Meaning | undefined {
    const target = this.usable.imports.get(name);
    if (target !== undefined) return this.#imported(name, target);
    const found = documentationOf(name);
    if (!found) return undefined;
    const type = moduleLibrary(name)?.value;
    const members = () => {
      const typed = type ? membersOfType(type, name, name) : [];
      const known = new Set(typed.map((member) => member.name));
      const others = found.members.filter((member) => !known.has(member.name));
      return [...typed, ...others.map((member) => documented(member, "function"))];
    };
    return { name, kind: "module", shown: `require("${name}")`, text: found.summary, members };
  }

  #imported(name: string, id: string): Meaning | undefined {
    const entry = this.loaded?.entries.get(id);
    const file = entry && this.loaded?.sourceFile(entry);
    const source = file === undefined ? undefined : this.loaded?.workspace.source(file);
    if (entry === undefined) return undefined;
    const comment = entry.meta["comment"];
    return {
      name,
      kind: "module",
      shown: `require("${name}") -- ${id}`,
      text: typeof comment === "string" ? comment : "",
      ...(source && {
        at: { source, place: { start: 0, end: 0 } },
        members: () => returnedMembers(source.tree).map((member) => ofMember(source, name, member)),
      }),
    };
  }

  /** What a local is. */
  ofBinding(binding: Binding): Meaning {
    const { name } = binding;
    const { source, tree } = this;
    const at = { source, place: { start: binding.start, end: binding.end } };
    const required = requiredBy(binding);
    if (required !== undefined) {
      const module = this.module(required);
      if (module) return { ...module, name, at: module.at ?? at };
    }
    const text = commentAbove(tree, binding.start);
    const body = functionOf(binding.value);
    if (body) return { ...ofFunction(tree, name, body, "local function "), text, at };
    const type = localsOf(source, this.loaded).get(binding) ?? dynamic;
    const annotated = type.kind === "dynamic" ? "" : `: ${textOf(widen(type))}`;
    const prefix = binding.declared === "parameter" ? "" : "local ";
    const members = () => {
      const own = membersOf(tree, binding).map((member) => ofMember(source, name, member));
      return own.length > 0 ? own : membersOfType(type);
    };
    return { name, kind: "local", shown: `${prefix}${name}${annotated}`, text, at, members };
  }

  /** Methods of objects that the modules in use make, where more is not known of an object. */
  methods(): Meaning[] {
    const used = this.tree.body.flatMap((statement) =>
      statement.kind === "Local" ? statement.bindings.flatMap((each) => requiredBy(each) ?? []) : []
    );
    const modules = new Set([...used, "channel", "errors", "process", "payload"]);
    return [...modules].flatMap((module) =>
      documentationOf(module)?.methods.map((method) => documented(method, "method")) ?? []
    );
  }
}

const remembered = new WeakMap<
  SourceText,
  { context: string; locals: ReadonlyMap<Binding, Type> }
>();

/** The types of the locals of a file, which may be half written; empty for one that cannot be checked. */
function localsOf(
  source: SourceText,
  loaded: Loaded | undefined,
): ReadonlyMap<Binding, Type> {
  const path = pathOf(source.uri) ?? "";
  const context = loaded?.contextOf(path) ?? "";
  const known = remembered.get(source);
  if (known?.context === context) return known.locals;
  const entry = loaded?.entriesOf(path)[0] ?? scriptEntry(source.text);
  const view = {
    entries: loaded?.entries ?? new Map<string, Entry>(),
    sourceOf: (each: Entry) => loaded?.codeOf(each),
  };
  const imports = new Map(importsOf(entry));
  let locals: ReadonlyMap<Binding, Type> = new Map();
  try {
    const surroundings = surroundingsOf(entry, (alias) => {
      const target = imports.get(alias);
      const imported = target === undefined ? undefined : view.entries.get(target);
      return { target, library: imported && loaded?.types.check(imported, view)?.library };
    }, true);
    locals = check(source.tree, surroundings).locals;
  } catch (error) {
    // Nested too deeply for the stack.
    if (!(error instanceof RangeError)) throw error;
  }
  remembered.set(source, { context, locals });
  return locals;
}

function ofFunction(tree: Tree, name: string, body: FunctionBody, prefix: string): Meaning {
  const signature = signatureOf(tree, name, body);
  return { name, kind: "function", signature, shown: prefix + signature.label, text: "" };
}

function ofMember(source: SourceText, owner: string, member: TableMember): Meaning {
  const { tree } = source;
  const { name, at: place, value, method, start } = member;
  const at = { source, place };
  const mark = method ? ":" : ".";
  const body = functionOf(value);
  if (!body) {
    return { name, kind: "field", shown: `${owner}.${name}`, text: commentAbove(tree, start), at };
  }
  const declaration = value?.kind === "Name" && value.local ? value.local.start : start;
  const made = ofFunction(tree, `${owner}${mark}${name}`, body, "function ");
  const text = commentAbove(tree, declaration);
  const where = value?.kind === "Name" && value.local
    ? { source, place: { start: value.local.start, end: value.local.end } }
    : at;
  return { ...made, name, kind: method ? "method" : "function", text, at: where };
}

const chainBefore = /(?:^|[^\w.:])((?:[A-Za-z_]\w*[ \t]*[.:][ \t]*)*)([A-Za-z_]\w*)?$/;

/** The chain of names that ends at an offset; its last name is "" behind a dot. */
export function chainAt(bytes: string, offset: number): Chain | undefined {
  const line = bytes.slice(bytes.lastIndexOf("\n", offset - 1) + 1, offset);
  const [, owners = "", last = ""] = chainBefore.exec(line) ?? [];
  if (owners === "" && last === "") return undefined;
  const names = [...owners.matchAll(/\w+/g)].map(([name]) => name);
  const method = /:[ \t]*$/.test(owners);
  return { names: [...names, last], method, start: offset - last.length };
}

/** The chain around an offset, whose last name is the one there. */
export function chainAround(bytes: string, offset: number): Chain | undefined {
  let end = offset;
  while (/\w/.test(bytes.charAt(end))) end++;
  const chain = chainAt(bytes, end);
  return chain?.names.at(-1) === "" ? undefined : chain;
}

const opening: ReadonlySet<string> = new Set(["(", "{", "[", "function", "if", "do", "repeat"]);

/** A call that an offset is in the parentheses of: what is called, and the number of the argument there, from 0. */
export function callAround(
  bytes: string,
  offset: number,
): { chain: Chain; argument: number } | undefined {
  const lexer = new Lexer(bytes);
  const open: { bracket: string; at: number; commas: number }[] = [];
  for (lexer.advance(); lexer.kind !== "eof" && lexer.start < offset; lexer.advance()) {
    const { kind } = lexer;
    const isBlock = /^\w/.test(open.at(-1)?.bracket ?? "");
    if (opening.has(kind)) open.push({ bracket: kind, at: lexer.start, commas: 0 });
    else if (kind === "end" || kind === "until") { if (isBlock) open.pop(); }
    else if (/^[)}\]]$/.test(kind)) { if (!isBlock) open.pop(); }
    else if (kind === "," && open.length > 0) open.at(-1)!.commas++;
  }
  const around = open.at(-1);
  if (around?.bracket !== "(") return undefined;
  const chain = chainAt(bytes, around.at);
  return chain && { chain, argument: around.commas };
}
