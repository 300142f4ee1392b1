import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  Scalar,
} from "yaml";
import { oldIntegers } from "../registry/yaml-integers.ts";
import { obeyTags } from "../registry/yaml-tags.ts";
import { valueLimits } from "../vm/limits.ts";
import type { Problem } from "./problem.ts";

/** A place in a file; both numbers count from 1. */
export interface Position {
  line: number;
  column: number;
}

/** Deeper nesting than this is a mistake or an attack. */
const deepest = valueLimits.depth;

/** An unquoted date, as RFC 3339 text in UTC. */
function dateText(date: Date): string {
  return date.toISOString().replace(/\.?0*Z$/, "Z").replace(/T(\d\d:\d\d)Z$/, "T$1:00Z");
}

/** A YAML or JSON file that knows where each of its values stands. */
export class YamlFile {
  /** Why the text could not be read; empty when `value` is good. */
  readonly problems: Problem[] = [];
  /** Plain data: maps with string keys, lists, text, numbers (bigint beyond 2^53), booleans, null. */
  readonly value: unknown;
  readonly #document: Document.Parsed;
  readonly #lines = new LineCounter();

  /**
   * @param text contents of the file
   * @param file name for messages
   */
  constructor(text: string, readonly file: string) {
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      customTags: (tags) => [...oldIntegers, ...tags, "timestamp"],
      merge: true,
      intAsBigInt: true,
      prettyErrors: false,
      logLevel: "error",
    });
    for (const error of this.#document.errors) {
      const { line, col } = this.#lines.linePos(error.pos[0]);
      const fix = error.code === "TAB_AS_INDENT"
        ? "indent with spaces"
        : error.code === "DUPLICATE_KEY"
        ? "remove or rename one of the two keys"
        : "check indentation, colons and quotes at that place";
      this.#problem(`not valid YAML: ${error.message}`, fix, { line, column: col });
    }
    for (const { message, offset } of obeyTags(this.#document)) {
      const { line, col } = this.#lines.linePos(offset);
      this.#problem(message, "remove the tag, or give it a text that fits", { line, column: col });
    }
    if (this.problems.length > 0) return;
    try {
      this.value = this.#plain(this.#document.toJS({ mapAsMap: true }), []);
    } catch (error) {
      this.#problem(`not valid YAML: ${(error as Error).message}`, "remove the aliases", {
        line: 1,
        column: 1,
      });
    }
  }

  #problem(message: string, fix: string, position: Position): void {
    this.problems.push({ severity: "error", file: this.file, ...position, message, fix });
  }

  #plain(value: unknown, path: PropertyKey[]): unknown {
    if (path.length > deepest) throw new RangeError(`nested deeper than ${deepest} levels`);
    if (typeof value === "bigint") {
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    }
    if (value instanceof Date) return dateText(value);
    if (value instanceof Uint8Array) return Buffer.from(value).toString();
    if (value instanceof Set) {
      return this.#plain(new Map(Array.from(value, (member) => [member, null])), path);
    }
    if (Array.isArray(value)) {
      return value.map((element, index) => this.#plain(element, [...path, index]));
    }
    if (!(value instanceof Map)) return value;
    const map: Record<string, unknown> = {};
    for (const [key, inner] of value) {
      if (typeof key !== "string") {
        this.#problem(
          `the key ${String(key)} is not text`,
          `write it in quotes: "${String(key)}"`,
          this.position([...path, String(key)]),
        );
      }
      // Defined, not assigned: a key named __proto__ is a key like any other.
      Object.defineProperty(map, String(key), {
        value: this.#plain(inner, [...path, String(key)]),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return map;
  }

  /** The nodes on the way to a path, as far as they exist. */
  #find(path: readonly PropertyKey[]): { found: Node; value: Node | null; depth: number } {
    const unalias = (node: unknown): Node | null =>
      isAlias(node) ? node.resolve(this.#document) ?? null : node as Node | null;
    let value = unalias(this.#document.contents);
    let found = value ?? new Scalar(null);
    for (const [depth, key] of path.entries()) {
      if (isMap(value)) {
        const pair = value.items.find((item) =>
          isScalar(item.key) && String(item.key.value) === key
        );
        if (pair === undefined) return { found, value, depth };
        found = pair.key as Node;
        value = unalias(pair.value);
      } else if (isSeq(value) && value.items[Number(key)] !== undefined) {
        found = value.items[Number(key)] as Node;
        value = unalias(found);
      } else return { found, value, depth };
    }
    return { found, value, depth: path.length };
  }

  /** The value in which numbers, booleans and dates are the text that stands there: for files that hold texts alone. */
  get texts(): unknown {
    const read = (value: unknown, path: PropertyKey[]): unknown => {
      if (Array.isArray(value)) return value.map((part, index) => read(part, [...path, index]));
      if (value === null || value === undefined) return value;
      if (typeof value === "object") {
        return Object.fromEntries(
          Object.entries(value).map(([key, part]) => [key, read(part, [...path, key])]),
        );
      }
      const { value: node } = this.#find(path);
      return isScalar(node) && node.type === Scalar.PLAIN && node.source !== undefined
        ? node.source
        : value;
    };
    return read(this.value, []);
  }

  /**
   * Where a value is written: its key in a map, or the element of a list. The nearest place around
   * it when it is not in the file.
   */
  position(path: readonly PropertyKey[]): Position {
    const { line, col } = this.#lines.linePos(this.#find(path).found.range?.[0] ?? 0);
    // linePos answers 0 for an empty file.
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  /** How many keys of the path are in the file. */
  reach(path: readonly PropertyKey[]): number {
    return this.#find(path).depth;
  }

  /** Line on which the text of a string begins: the one after the `|` of a block. */
  textLine(path: readonly PropertyKey[]): number {
    const { found, value } = this.#find(path);
    const node = value ?? found;
    const { line } = this.#lines.linePos(node.range?.[0] ?? 0);
    const block = isScalar(node) &&
      (node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED);
    return block ? line + 1 : line;
  }
}
