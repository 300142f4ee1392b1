/**
 * What an editor shows of built-in modules and of Lua's own libraries.
 * @module
 */
import { documentation } from "../../build/documentation.js";
import { standardFunctions } from "./standard.ts";

/** A function, a method or a constant of a module. */
export interface MemberDocumentation {
  name: string;
  /** `time.sleep(d)`; without parentheses for what is no function. */
  signature: string;
  /** What it returns, and how it fails; Markdown. */
  text: string;
}

/** What the documentation says of a module. */
export interface ModuleDocumentation {
  /** The first sentences; Markdown. */
  summary: string;
  members: MemberDocumentation[];
  /** Of the objects that the module makes: the object's name stands before the colon of the signature. */
  methods: MemberDocumentation[];
}

const standard = new Map<string, ModuleDocumentation>();
for (const [signature, text] of standardFunctions) {
  const [, table = "", name] = /^(?:(\w+)\.)?(\w+)/.exec(signature)!;
  const module = standard.get(table) ??
    { summary: `Lua's library ${table}.`, members: [], methods: [] };
  module.members.push({ name: name!, signature, text });
  standard.set(table, module);
}

/** The documentation of a built-in module, or of a table of Lua. */
export function documentationOf(module: string): ModuleDocumentation | undefined {
  const own = Object.hasOwn(documentation, module) ? documentation[module] : undefined;
  const lua = module === "" ? undefined : standard.get(module);
  if (!own || !lua) return own ?? lua;
  const known = new Set(own.members.map(({ name }) => name));
  const members = [...own.members, ...lua.members.filter(({ name }) => !known.has(name))];
  return { ...own, members };
}

/** Functions that are there without a module: `print`, `pcall`. */
export function globalFunctions(): readonly MemberDocumentation[] {
  return standard.get("")!.members;
}

/** The names in the parentheses of a signature. */
export function parametersOf(signature: string): string[] {
  const inner = /\(([^]*)\)/.exec(signature)?.[1] ?? "";
  const found: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at <= inner.length; at++) {
    const char = inner[at];
    if (char === "{" || char === "(") depth++;
    else if (char === "}" || char === ")") depth--;
    // The comma of an optional parameter is in its bracket: `n[, loc]`.
    else if (at === inner.length || char === "," && depth === 0) {
      const name = inner.slice(from, at).replace(/[[\]]/g, "").trim();
      if (name !== "") found.push(name);
      from = at + 1;
    }
  }
  return found;
}
