import type { Range } from "vscode-languageserver";
import {
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
  type YAMLMap,
} from "yaml";
import { qualify } from "../registry/entry.ts";
import { kinds } from "../registry/kinds.ts";
import type { SourceText } from "./source-text.ts";

/** An entry as a definition file writes it. */
export interface WrittenEntry {
  id: string;
  namespace: string;
  kind: string;
  /** Of its name, and of all of it. */
  name: Range;
  whole: Range;
  map: YAMLMap;
}

/** A text of a definition file, with what it is the value of. */
export interface WrittenScalar {
  entry: WrittenEntry | undefined;
  /** From the entry, without `data`; from the file where there is no entry. */
  path: (string | number)[];
  value: string;
  range: Range;
  /** The key, rather than a value. */
  isKey: boolean;
  /** Of the entry around, whether it has a name or not; undefined outside entries. */
  kind: string | undefined;
  /** The entry around, or the file. */
  map: YAMLMap;
}

/** The id of an entry that a definition file mentions. */
export interface WrittenReference {
  id: string;
  range: Range;
  /** Only the name is written: the namespace is that of the file. */
  bare: boolean;
}

/** A definition file whose parts know where they are. What is unfinished is left out. */
export class DefinitionText {
  readonly entries: WrittenEntry[] = [];
  readonly scalars: WrittenScalar[] = [];
  readonly namespace: string | undefined;

  constructor(readonly source: SourceText) {
    const document = parseDocument(source.text, {
      logLevel: "error",
      strict: false,
      prettyErrors: false,
    });
    const root = document.contents;
    if (!isMap(root)) return;
    this.namespace = textOf(root.get("namespace", true));
    const list = root.get("entries", true);
    const entries = isSeq(list) ? list.items.filter((item) => isMap(item)) : [];
    // A file may be one entry.
    if (!isSeq(list) && root.has("kind")) this.#entry(root);
    else {
      for (const entry of entries) this.#entry(entry);
      this.#walk(root, undefined, undefined);
    }
  }

  #range(node: Node): Range {
    const { document } = this.source;
    const [start, end] = node.range ?? [0, 0];
    return { start: document.positionAt(start), end: document.positionAt(end) };
  }

  /** Where the text of a scalar is, without quotes. */
  #textRange(node: Scalar): Range {
    const [start, end] = node.range ?? [0, 0];
    const quoted = node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE ? 1 : 0;
    const { document } = this.source;
    return {
      start: document.positionAt(start + quoted),
      end: document.positionAt(Math.max(start + quoted, end - quoted)),
    };
  }

  #entry(map: YAMLMap): void {
    const name = map.get("name", true);
    const kind = textOf(map.get("kind", true)) ?? "";
    const value = textOf(name);
    let entry: WrittenEntry | undefined;
    if (isScalar(name) && value !== undefined && this.namespace !== undefined) {
      entry = {
        id: `${this.namespace}:${value}`,
        namespace: this.namespace,
        kind,
        name: this.#textRange(name),
        whole: this.#range(map),
        map,
      };
      this.entries.push(entry);
    }
    this.#walk(map, entry, kind);
  }

  #walk(root: YAMLMap, entry: WrittenEntry | undefined, kind: string | undefined): void {
    const waiting: { node: unknown; path: (string | number)[] }[] = [{ node: root, path: [] }];
    const add = (node: Scalar, path: (string | number)[], isKey: boolean) => {
      const { value } = node;
      if (typeof value !== "string") return;
      const range = this.#textRange(node);
      this.scalars.push({ entry, path, value, range, isKey, kind, map: root });
    };
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      const { node, path } = at;
      if (isMap(node)) {
        for (const pair of node.items as Pair[]) {
          if (!isScalar(pair.key)) continue;
          const key = String(pair.key.value);
          const inner = kind !== undefined && path.length === 0 && key === "data"
            ? []
            : [...path, key];
          add(pair.key, [...path, key], true);
          // Entries of a list are walked by themselves.
          if (kind === undefined && path.length === 0 && key === "entries") {
            this.#loose(pair.value, add);
            continue;
          }
          waiting.push({ node: pair.value, path: inner });
        }
      } else if (isSeq(node)) {
        node.items.forEach((item, index) => waiting.push({ node: item, path: [...path, index] }));
      } else if (isScalar(node)) add(node, path, false);
    }
  }

  /** Elements of the list of entries that are no entries yet. */
  #loose(
    list: unknown,
    add: (node: Scalar, path: (string | number)[], isKey: boolean) => void,
  ): void {
    if (!isSeq(list)) return;
    list.items.forEach((item, index) => {
      if (isScalar(item)) add(item, ["entries", index], false);
    });
  }

  /** The value or key at a position. */
  scalarAt(position: { line: number; character: number }): WrittenScalar | undefined {
    return this.scalars.find(({ range }) => isInside(position, range));
  }

  /** The entry around a position. */
  entryAt(position: { line: number; character: number }): WrittenEntry | undefined {
    return this.entries.find(({ whole }) => isInside(position, whole));
  }

  /** The id of an entry that a value names, where its place may name one. */
  referenceOf(scalar: WrittenScalar): WrittenReference | undefined {
    const { entry, path, value, range, isKey } = scalar;
    if (entry === undefined || isKey || path[0] === "name" || path[0] === "kind") return undefined;
    if (/^[\w.-]+:[\w.-]+$/.test(value)) return { id: value, range, bare: false };
    const isOf = (pattern: readonly string[], from: number) =>
      pattern.length === path.length - from &&
      pattern.every((part, at) => part === "*" || part === path[at + from]);
    const kind = kinds.get(entry.kind);
    const references = path[0] === "meta"
      ? kind?.metaReferences.filter((each) => isOf(each.path, 1))
      : kind?.references.filter((each) => isOf(each.path, 0));
    if (!references?.some(({ bareName }) => bareName)) return undefined;
    return { id: qualify(value, entry.namespace), range, bare: true };
  }

  /** Every mention of entries. */
  get references(): WrittenReference[] {
    return this.scalars.flatMap((scalar) => this.referenceOf(scalar) ?? []);
  }
}

/** Whether a position is in a range, or at its end. */
export function isInside(position: { line: number; character: number }, range: Range): boolean {
  const { start, end } = range;
  const behind = position.line > start.line ||
    position.line === start.line && position.character >= start.character;
  const before = position.line < end.line ||
    position.line === end.line && position.character <= end.character;
  return behind && before;
}

function textOf(node: unknown): string | undefined {
  return isScalar(node) && typeof node.value === "string" ? node.value : undefined;
}
