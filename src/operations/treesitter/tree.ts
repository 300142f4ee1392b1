import type { Tree, TreeCursor } from "web-tree-sitter";
import type { LuaValue } from "../../vm/value.ts";
import { grammarOf, invalid } from "./grammars.ts";
import { Recent } from "./recent.ts";
import { WorkLimit } from "./work-limit.ts";

/** Longest text that is parsed, in bytes. */
export const mostText = 1_048_576;

/** Nodes that a tree may have. */
const mostNodes = 500_000;

/** Trees that are kept for queries. */
const keptTrees = 4;

/** Bytes of a node in `nodes`: start, end, parent, next, kind and flags, field. */
const nodeSize = 24;

const named = 1;
const missing = 2;
const faulty = 4;

/** A parsed text, as long as it is kept. */
export interface ParsedText {
  readonly tree: Tree;
  readonly text: string;
  /** Byte at which each UTF-16 unit of the text begins, and its end; absent where both count alike. */
  readonly bytes: Uint32Array | undefined;
}

const kept = new Recent<ParsedText>(keptTrees, ({ tree }) => tree.delete());

function byteOffsets(text: string, length: number): Uint32Array | undefined {
  if (length === text.length) return undefined;
  const offsets = new Uint32Array(text.length + 1);
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    offsets[i] = at;
    const unit = text.charCodeAt(i);
    // A pair of surrogates takes four bytes, two for each unit.
    at += unit < 0x80 ? 1 : unit < 0x800 || unit >> 11 === 0x1b ? 2 : 3;
  }
  offsets[text.length] = at;
  return offsets;
}

/**
 * Parses a text. The last texts are kept, so that queries of them need not parse again; what is kept changes no
 * answer.
 *
 * @throws WippyError Invalid for an unknown language or a text that is too long, Timeout for one that takes too long
 */
export function parseText(language: string, text: string): ParsedText {
  return kept.get(`${language}\0${text}`, () => parseAnew(language, text));
}

function parseAnew(language: string, text: string): ParsedText {
  const length = Buffer.byteLength(text);
  if (length > mostText) throw invalid(`a text of more than ${mostText} bytes is not parsed`);
  const { parser } = grammarOf(language);
  // What is not of the language may take time that grows with the square of its length.
  const limit = new WorkLimit();
  const tree = parser.parse(text, null, { progressCallback: limit.stops });
  if (tree === null) {
    parser.reset();
    throw limit.failure(`parsing the text as ${language}`);
  }
  return { tree, text, bytes: byteOffsets(text, length) };
}

/** Calls `enter` for each node before and `leave` after its children, with its index in the order of `enter`. */
function walk(
  tree: Tree,
  enter: (cursor: TreeCursor, index: number, parent: number) => void,
  leave: (index: number, next: number, parent: number) => void,
): void {
  const cursor = tree.walk();
  const parents: number[] = [];
  let count = 0;
  let index = -1;
  try {
    for (;;) {
      const parent = parents.at(-1) ?? -1;
      index = count++;
      if (count > mostNodes) throw invalid(`the tree has more than ${mostNodes} nodes`);
      enter(cursor, index, parent);
      if (cursor.gotoFirstChild()) {
        parents.push(index);
        continue;
      }
      leave(index, count, parent);
      while (!cursor.gotoNextSibling()) {
        const ended = parents.pop();
        if (ended === undefined) return;
        cursor.gotoParent();
        leave(ended, count, parents.at(-1) ?? -1);
      }
    }
  } finally {
    cursor.delete();
  }
}

/** Index of each node of a tree by its id. */
export function nodeIndexes(tree: Tree): Map<number, number> {
  const indexes = new Map<number, number>();
  walk(tree, (cursor, index) => indexes.set(cursor.nodeId, index), () => {});
  return indexes;
}

/**
 * A tree as plain data: `nodes` has a record of `nodeSize` bytes for each node, in the order of the text, an outer one
 * before those inside; `kinds` and `fields` are the names that the records count from 1.
 */
export function treeData({ tree, bytes }: ParsedText): LuaValue {
  const language = tree.language;
  let data = new Uint32Array(1024);
  let count = 0;
  const kinds = new Map<number, number>();
  const kindNames: string[] = [];
  const fields = new Map<number, number>();
  const fieldNames: string[] = [];
  const numberOf = (
    known: Map<number, number>,
    names: string[],
    id: number,
    name: () => string,
  ) => {
    let number = known.get(id);
    if (number === undefined) {
      names.push(name());
      number = names.length;
      known.set(id, number);
    }
    return number;
  };
  const words = nodeSize / 4;
  walk(tree, (cursor, index, parent) => {
    count = index + 1;
    if (count * words > data.length) {
      const grown = new Uint32Array(data.length * 2);
      grown.set(data);
      data = grown;
    }
    const { startIndex, endIndex, nodeTypeId } = cursor;
    const kind = numberOf(kinds, kindNames, nodeTypeId, () => cursor.nodeType);
    const flags = (cursor.nodeIsNamed ? named : 0) |
      (cursor.nodeIsMissing ? missing | faulty : 0) | (nodeTypeId === 0xffff ? faulty : 0);
    const field = cursor.currentFieldId;
    const at = index * words;
    data[at] = bytes === undefined ? startIndex : bytes[startIndex]!;
    data[at + 1] = bytes === undefined ? endIndex : bytes[endIndex]!;
    data[at + 2] = parent + 1;
    data[at + 4] = kind | flags << 16;
    data[at + 5] = field === 0
      ? 0
      : numberOf(fields, fieldNames, field, () => language.fieldNameForId(field) ?? "");
  }, (index, next, parent) => {
    data[index * words + 3] = next + 1;
    const isFaulty = data[index * words + 4]! & faulty << 16;
    if (parent >= 0) data[parent * words + 4]! |= isFaulty;
  });
  const nodes = new Uint8Array(data.buffer, 0, count * nodeSize);
  return { nodes, kinds: kindNames, fields: fieldNames };
}
