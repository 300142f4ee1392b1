/**
 * What a name in Lua code means: a local, a module, a member of either, an entry's code.
 * @module
 */
import { requiredBy } from "../language/describe.ts";
import { Lexer } from "../language/lexer.ts";
import {
  commentAbove,
  functionOf,
  membersOf,
  returnedMembers,
  type Signature,
  signatureOf,
  type TableMember,
} from "../language/members.ts";
import { type Place, visibleAt } from "../language/scope.ts";
import type { Binding, FunctionBody, Tree } from "../language/tree.ts";
import { dynamic, expand, textOf, type Type, widen } from "../language/check/types.ts";
import {
  documentationOf,
  globalFunctions,
  type MemberDocumentation,
  parametersOf,
} from "./documentation.ts";
import type { SourceText } from "./source-text.ts";
import { type Loaded, pathOf, type Usable, usableIn } from "./workspace.ts";

export type MeaningKind =
  | "local"
  | "function"
  | "method"
  | "field"
  | "constant"
  | "module"
  | "type";

/** What a name means. */
export interface Meaning {
  name: string;
  kind: MeaningKind;
  signature?: Signature;
  /** A line of Lua that shows what it is: `local count: integer`. */
  shown: string;
  /** Markdown. */
  text: string;
  /** Where it is declared. */
  at?: { source: SourceText; place: Place };
  members?: () => Meaning[];
}

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
    const members = () => found.members.map((member) => documented(member, "function"));
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
    const type = source.types.get(binding) ?? dynamic;
    const annotated = type.kind === "dynamic" ? "" : `: ${textOf(widen(type))}`;
    const prefix = binding.declared === "parameter" ? "" : "local ";
    const members = () => {
      const own = membersOf(tree, binding).map((member) => ofMember(source, name, member));
      return own.length > 0 ? own : ofType(type);
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

function documented(member: MemberDocumentation, kind: "function" | "method"): Meaning {
  const { name, signature, text } = member;
  const parameters = parametersOf(signature);
  if (!/[({]/.test(signature)) return { name, kind: "constant", shown: signature, text };
  return { name, kind, signature: { label: signature, parameters }, shown: signature, text };
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

/** The fields of a type; the functions of strings for a text. */
function ofType(type: Type): Meaning[] {
  const found = expand(widen(type));
  if (found.kind === "string") {
    const strings = documentationOf("string")?.members ?? [];
    return strings.map((member) => documented(member, "method"));
  }
  if (found.kind === "record" || found.kind === "interface") {
    return [...found.fields].map(([name, { type, optional }]) => ({
      name,
      kind: expand(type).kind === "function" ? "method" : "field",
      shown: `${name}${optional ? "?" : ""}: ${textOf(type)}`,
      text: "",
      members: () => ofType(type),
    }));
  }
  return [];
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
