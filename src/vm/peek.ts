import type { Heap } from "./heap.ts";
import { NODE, STRING, TABLE, TAG, TAG_MASK } from "./layout.ts";

/**
 * The text at the end of a path of fields from a table, read without Lua: also from within a C function that is in the
 * middle of something. Undefined where the path or the text is not there.
 *
 * @param table the table's address
 */
export function peekText(heap: Heap, table: number, ...path: string[]): string | undefined {
  let at = table;
  for (const [i, key] of path.entries()) {
    const node = findNode(heap, at, key);
    if (node === undefined) return undefined;
    const tag = (heap.u8[node + NODE.tag] ?? 0) & TAG_MASK;
    const value = heap.u32[node >> 2] ?? 0;
    if (i === path.length - 1) {
      return tag === TAG.shortString || tag === TAG.longString
        ? textAt(heap, value, tag)
        : undefined;
    }
    if (tag !== TAG.table) return undefined;
    at = value;
  }
  return undefined;
}

function findNode(heap: Heap, table: number, key: string): number | undefined {
  const { u8, u32 } = heap;
  const first = u32[(table + TABLE.nodes) >> 2] ?? 0;
  const count = 1 << (u8[table + TABLE.logNodes] ?? 0);
  for (let node = first; node < first + count * NODE.size; node += NODE.size) {
    const tag = (u8[node + NODE.keyTag] ?? 0) & TAG_MASK;
    if (tag !== TAG.shortString) continue;
    if (textAt(heap, u32[(node + NODE.key) >> 2] ?? 0, tag) === key) return node;
  }
  return undefined;
}

function textAt({ u8, u32, buffer }: Heap, string: number, tag: number): string {
  const length = tag === TAG.shortString
    ? u8[string + STRING.shortLength]
    : u32[(string + STRING.longLength) >> 2];
  const start = string + STRING.contents;
  return buffer.toString("utf8", start, start + (length ?? 0));
}
