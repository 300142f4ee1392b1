import type { Node, Query, QueryPredicate } from "web-tree-sitter";
import type { RE2JS } from "re2js";
import { compilePattern } from "../../registry/pattern.ts";
import type { LuaValue } from "../../vm/value.ts";
import { grammarOf, invalid, started } from "./grammars.ts";
import { Recent } from "./recent.ts";
import { nodeIndexes, type ParsedText } from "./tree.ts";
import { WorkLimit } from "./work-limit.ts";

/** Captures that a query may find. */
const mostCaptures = 100_000;

/** States that the matcher may keep at a time. */
const matchLimit = 65_536;

/** Queries that are kept. */
const keptQueries = 32;

/** Whether the captures of a match meet a condition. */
type Condition = (nodes: (capture: string) => string[]) => boolean;

interface CompiledQuery {
  readonly query: Query;
  /** Conditions of each pattern. */
  readonly conditions: readonly (readonly Condition[])[];
}

const kept = new Recent<CompiledQuery>(keptQueries, ({ query }) => query.delete());

/**
 * Names of predicates with `!` in place of `?`, so that the library leaves them to us: it would run `#match?` with the
 * regular expressions of JavaScript, which may take for ever. Texts and comments stay.
 */
function ownPredicates(source: string): string {
  return source.replace(
    /"(?:[^"\\]|\\[^])*"|;[^\n]*|#((?:any-)?(?:not-)?(?:eq|match)|(?:not-)?any-of)\?/g,
    (whole, name: string | undefined) => name === undefined ? whole : `#${name}!`,
  );
}

function place(source: string, index: number): string {
  const before = source.slice(0, index).split("\n");
  return `line ${before.length} column ${before.at(-1)!.length + 1}`;
}

function pattern(text: string): RE2JS {
  try {
    return compilePattern(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw invalid(`#match? "${text}": ${message}`);
  }
}

/** The condition of a predicate; undefined for a directive, which means nothing here. */
function conditionOf({ operator, operands }: QueryPredicate): Condition | undefined {
  const parts = /^(any-)?(not-)?(eq|match|any-of)!$/.exec(operator);
  if (parts === null) {
    if (!operator.endsWith("?")) return undefined;
    throw invalid(
      `unknown predicate #${operator}; there are eq, not-eq, any-eq, any-not-eq, the same of match, any-of, ` +
        "not-any-of, is and is-not",
    );
  }
  const name = operator.slice(0, -1);
  const [, any, not, verb] = parts;
  const [first, ...rest] = operands;
  if (first?.type !== "capture" || rest.length === 0 || verb !== "any-of" && rest.length > 1) {
    throw invalid(`#${name}? needs a capture and ${verb === "any-of" ? "texts" : "one more"}`);
  }
  const [second] = rest;
  const texts = rest.flatMap((operand) => operand.type === "string" ? [operand.value] : []);
  if (texts.length < rest.length && verb !== "eq") throw invalid(`#${name}? compares with texts`);
  const regular = verb === "match" ? pattern(texts[0]!) : undefined;
  const meets = (nodes: (capture: string) => string[], text: string) => {
    if (regular !== undefined) return regular.matcher(text).find();
    return (second?.type === "capture" ? nodes(second.name) : texts).includes(text);
  };
  return (nodes) => {
    const found = nodes(first.name);
    if (found.length === 0 && verb !== "eq") return not !== undefined;
    const test = (text: string) => meets(nodes, text) === (not === undefined);
    return any === undefined ? found.every(test) : found.some(test);
  };
}

/**
 * Compiles a query.
 *
 * @throws WippyError Invalid: unknown language, node or field, syntax, with its place
 */
export function compileQuery(language: string, source: string): CompiledQuery {
  return kept.get(`${language}\0${source}`, () => compileAnew(language, source));
}

function compileAnew(language: string, source: string): CompiledQuery {
  const grammar = grammarOf(language);
  const { Query } = started();
  let query: Query;
  try {
    query = new Query(grammar.language, ownPredicates(source));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const at = error instanceof Error && "index" in error && typeof error.index === "number"
      ? ` at ${place(source, error.index)}`
      : "";
    throw invalid(`the query is not valid${at}: ${message}`);
  }
  try {
    const conditions = query.predicates.map((list) =>
      list.flatMap((predicate) => conditionOf(predicate) ?? [])
    );
    return { query, conditions };
  } catch (error) {
    query.delete();
    throw error;
  }
}

/** Where a query looks: below a node, and only at what overlaps these bytes. */
export interface QueryRange {
  node: number;
  start?: number | undefined;
  end?: number | undefined;
}

/** UTF-16 unit at a byte. */
function unitAt({ bytes, text }: ParsedText, byte: number): number {
  if (bytes === undefined) return Math.min(byte, text.length);
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bytes[middle]! < byte) low = middle + 1;
    else high = middle;
  }
  return low;
}

function nodeAt({ tree }: ParsedText, index: number): Node {
  const cursor = tree.walk();
  try {
    cursor.gotoDescendant(index);
    return cursor.currentNode;
  } finally {
    cursor.delete();
  }
}

/**
 * All matches in the order in which they are found: `patterns` (from 0), how many captures each has (`counts`), and
 * for all captures in one list the number of the name (from 1) and of the node (from 1).
 *
 * @throws WippyError Invalid where there are too many, Timeout where it takes too long
 */
export function findMatches(
  parsed: ParsedText,
  { query, conditions }: CompiledQuery,
  { node, start, end }: QueryRange,
): LuaValue {
  const limit = new WorkLimit();
  const matches = query.matches(nodeAt(parsed, node), {
    matchLimit,
    ...(start !== undefined && { startIndex: unitAt(parsed, start) }),
    ...(end !== undefined && { endIndex: unitAt(parsed, end) }),
    progressCallback: limit.stops,
  });
  if (limit.exceeded) throw limit.failure("the query");
  if (query.didExceedMatchLimit()) {
    throw invalid("too many matches of the query begin at a time; narrow it, or its range");
  }
  const indexes = matches.length > 0 ? nodeIndexes(parsed.tree) : new Map<number, number>();
  const numbers = new Map(query.captureNames.map((name, at) => [name, at + 1]));
  const found = { patterns: [], counts: [], names: [], nodes: [] } as Record<string, number[]>;
  for (const { patternIndex, captures } of matches) {
    const texts = (name: string) =>
      captures.filter((capture) => capture.name === name)
        .map((capture) => parsed.text.slice(capture.node.startIndex, capture.node.endIndex));
    if (!conditions[patternIndex]!.every((condition) => condition(texts))) continue;
    found["patterns"]!.push(patternIndex);
    found["counts"]!.push(captures.length);
    for (const capture of captures) {
      found["names"]!.push(numbers.get(capture.name)!);
      found["nodes"]!.push(indexes.get(capture.node.id)! + 1);
    }
    if (found["nodes"]!.length > mostCaptures) {
      throw invalid(`the query finds more than ${mostCaptures} captures; narrow it, or its range`);
    }
  }
  return found;
}
