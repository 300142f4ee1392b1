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
  signatureOf,
  type TableMember,
} from "../language/members.ts";
import { pathTo, visibleAt } from "../language/scope.ts";
import { declaredName, nameOfType, placeOfField, typeNameAt } from "../language/type-uses.ts";
import type { Binding, FunctionBody, Tree } from "../language/tree.ts";
import { dynamic, textOf, widen } from "../language/check/types.ts";
import { moduleLibrary } from "../app/module-types.ts";
import { documentationOf, globalFunctions } from "./documentation.ts";
import { documented, type Meaning } from "./member.ts";
import { tableAt } from "./expected-type.ts";
import { inferredIn, memberAt } from "./inferred.ts";
import type { SourceText } from "./source-text.ts";
import {
  functionMeaning,
  membersOfType,
  nameOf,
  typeMeaning,
  typeValueMembers,
} from "./type-members.ts";
import { typeParametersAt } from "./type-position.ts";
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
    const type = declaredType(this.source, name);
    if (type) return type;
    if (name === "self") {
      const owner = this.#ownerAt(offset);
      if (owner) return this.ofBinding(owner);
    }
    const plain = globalFunctions().find((each) => each.name === name);
    if (plain) return documented(plain, "function");
    return this.module(name);
  }

  /** The local whose method an offset is in. */
  #ownerAt(offset: number): Binding | undefined {
    for (const node of pathTo(this.tree, offset).reverse()) {
      if (!("kind" in node) || node.kind !== "FunctionStatement" || !node.method) continue;
      if (node.target.kind !== "Member" || node.target.object.kind !== "Name") return undefined;
      return node.target.object.local;
    }
    return undefined;
  }

  /** What the value has of which a member is asked for at an offset, by its type. */
  typedMembers(offset: number): Meaning[] {
    const asked = memberAt(this.tree, offset);
    const type = asked && inferredIn(this.source, this.loaded).expressions.get(asked.object);
    return type ? membersOfType(type) : [];
  }

  /** The member at an offset, by the type of what it is a member of. */
  typedMember(offset: number): Meaning | undefined {
    const asked = memberAt(this.tree, offset);
    if (!asked) return undefined;
    const { object, name } = asked;
    const found = this.typedMembers(offset).find((member) => member.name === name);
    const type = inferredIn(this.source, this.loaded).expressions.get(object);
    const place = type && placeOfField(this.tree, nameOf(type), name);
    return found && place ? { ...found, at: { source: this.source, place } } : found;
  }

  /** The fields that a table around an offset may have, and does not have yet. */
  missingFields(offset: number): Meaning[] {
    const found = tableAt(this.tree, offset, inferredIn(this.source, this.loaded));
    if (!found) return [];
    const written = new Set(
      found.table.fields.map(({ key }) => key?.kind === "String" ? key.value : undefined),
    );
    return membersOfType(found.type).filter(({ name }) => !written.has(name));
  }

  /** The type that is named at an offset. */
  typeAt(offset: number): Meaning | undefined {
    const used = typeNameAt(this.tree, offset);
    if (!used || offset < nameOfType(this.tree, used).start) return undefined;
    const { module, name, local } = used;
    if (module === undefined) {
      return typeParametersAt(this.tree, offset).includes(name)
        ? undefined
        : declaredType(this.source, name);
    }
    const alias = requiredBy(local) ?? module;
    const target = this.usable.imports.get(alias);
    const entry = target === undefined ? undefined : this.loaded?.entries.get(target);
    const file = entry && this.loaded?.sourceFile(entry);
    const source = file === undefined ? undefined : this.loaded?.workspace.source(file);
    if (source) return declaredType(source, name);
    const type = inferredIn(this.source, this.loaded).module(alias)?.type(name);
    return type && typeMeaning(`${module}.${name}`, type);
  }

  /** The names of types of a module or an import. */
  typesOf(alias: string, offset: number): string[] {
    const binding = visibleAt(this.tree, offset).findLast(({ name }) => name === alias);
    const module = requiredBy(binding) ?? alias;
    return inferredIn(this.source, this.loaded).module(module)?.typeNames() ?? [];
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
    const type = inferredIn(source, this.loaded).locals.get(binding) ?? dynamic;
    const annotated = type.kind === "dynamic" ? "" : `: ${textOf(widen(type))}`;
    const prefix = binding.declared === "parameter" ? "" : "local ";
    const members = () => {
      const own = membersOf(tree, binding).map((member) => ofMember(source, name, member));
      const typed = new Map(membersOfType(type).map((member) => [member.name, member]));
      // A type says more of a field than a value that is put there; where it is written is known of the value.
      const told = own.map((member): Meaning => {
        const declared = member.kind === "field" ? typed.get(member.name) : undefined;
        return declared && member.at ? { ...declared, at: member.at } : member;
      });
      const known = new Set(own.map((member) => member.name));
      return [...told, ...[...typed.values()].filter((member) => !known.has(member.name))];
    };
    const callable = functionMeaning(name, type);
    if (callable) return { ...callable, shown: `${prefix}${name}${annotated}`, text, at };
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

/** A type that a file declares. */
function declaredType(source: SourceText, name: string): Meaning | undefined {
  const { tree } = source;
  const type = tree.types.find((each) => each.name === name);
  if (!type) return undefined;
  const shown = Buffer.from(tree.text.slice(type.start, type.end), "latin1").toString();
  const text = commentAbove(tree, type.start);
  const at = { source, place: declaredName(tree, type) };
  return { name, kind: "type", shown, text, at, members: typeValueMembers };
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

/**
 * A call that an offset is in the parentheses of: where they open, the names of what is called, as far as it has names,
 * and the number of the argument there, from 0.
 */
export function callAround(
  bytes: string,
  offset: number,
): { chain: Chain | undefined; opening: number; argument: number } | undefined {
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
  return { chain: chainAt(bytes, around.at), opening: around.at, argument: around.commas };
}
