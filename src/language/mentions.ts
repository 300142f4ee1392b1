/**
 * What a program mentions of the world around it.
 * @module
 */
import { requiredBy } from "./describe.ts";
import { builtinTypes } from "./erase.ts";
import { selfReferred } from "./scope.ts";
import type { Expression, Tree } from "./tree.ts";
import { walk } from "./walk.ts";

/** A text that stands for something elsewhere. */
export interface Mention {
  /** Offsets in bytes. */
  start: number;
  end: number;
  name: string;
}

/**
 * Globals that are read, of which the text assigns none; each name once, where it is first. Types that are called or
 * asked, as `integer(v)` and `integer:is(v)`, are none.
 */
export function undeclared(tree: Tree): Mention[] {
  const { globals, assigned, types } = tree;
  const own = new Set(types.map(({ name }) => name));
  const found = new Map<string, Mention>();
  for (const global of globals) {
    const { name, used, start, end } = global;
    if (used && builtinTypes.has(name)) continue;
    if (selfReferred(tree, global)) continue;
    if (!assigned.has(name) && !own.has(name) && !found.has(name)) {
      found.set(name, { name, start, end });
    }
  }
  return [...found.values()];
}

/** Functions of modules whose first argument is the id of an entry. */
const takesEntry: Readonly<Record<string, readonly string[]>> = {
  funcs: ["call", "async"],
  process: ["spawn", "spawn_monitored", "spawn_linked", "spawn_linked_monitored", "exec"],
};

/** The id of an entry in a call. */
export interface EntryMention extends Mention {
  /** The module whose function is called. */
  module: string;
}

/** Ids of entries that are written in calls such as `funcs.call("ns:name")`. */
export function entriesCalled(tree: Tree): EntryMention[] {
  const found: EntryMention[] = [];
  visit(tree, (call) => {
    const { callee, args: [first] } = call;
    if (callee.kind !== "Member" || callee.object.kind !== "Name" || first?.kind !== "String") {
      return;
    }
    const { name, local } = callee.object;
    const module = local ? requiredBy(local) : name;
    const { value, start, end } = first;
    const isId = /^[\w.-]+:[\w.-]+$/.test(value);
    if (module && isId && takesEntry[module]?.includes(callee.name)) {
      found.push({ name: value, start, end, module });
    }
  });
  return found;
}

/** Names that the text passes to `require` as literals. */
export function required(tree: Tree): Mention[] {
  const found: Mention[] = [];
  visit(tree, ({ callee, args: [first] }) => {
    if (callee.kind !== "Name" || callee.local || callee.name !== "require") return;
    if (first?.kind === "String") {
      found.push({ name: first.value, start: first.start, end: first.end });
    }
  });
  return found;
}

type Call = Extract<Expression, { kind: "Call" }>;

const callsOf = new WeakMap<Tree, readonly Call[]>();

/** Shows every call of a program. */
function visit(tree: Tree, see: (call: Call) => void): void {
  let calls = callsOf.get(tree);
  if (!calls) {
    const found: Call[] = [];
    walk(tree, (node) => {
      if (isCall(node)) found.push(node);
    });
    callsOf.set(tree, calls = found);
  }
  calls.forEach(see);
}

function isCall(node: object): node is Call {
  return "kind" in node && node.kind === "Call";
}
