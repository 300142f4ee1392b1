/**
 * Short lists of plain values as MessagePack, byte for byte as msgpackr packs them: most requests between the node and
 * its workers are such, and all of a short script, which is spared reading msgpackr. What else there is, is left to it.
 * @module
 */
import { type LuaValue, metatableOf } from "./value.ts";

/** Items of a list whose header is one byte. */
const mostItems = 15;
/** Bytes of a text up to which one character after the other is as fast as a copy; its header has at most two. */
const longestText = 64;

const header = { list: 0x90, text: 0xa0, nil: 0xc0, no: 0xc2, yes: 0xc3, object: 0x80 } as const;
/** Headers of a text and of whole numbers with one, two and four bytes. */
const [TEXT8, UINT8, UINT16, UINT32] = [0xd9, 0xcc, 0xcd, 0xce];

const scratch = Buffer.alloc(1 + mostItems * (2 + longestText));

/** The list packed; undefined when it holds more than texts in ASCII, natural numbers, booleans, nil and one `{}`. */
export function packShort(list: readonly LuaValue[]): Uint8Array<ArrayBuffer> | undefined {
  if (list.length > mostItems) return undefined;
  let at = 0;
  let objects = 0;
  scratch[at++] = header.list | list.length;
  for (let i = 0; i < list.length; i++) {
    const item = list[i];
    switch (typeof item) {
      case "undefined":
        scratch[at++] = header.nil;
        break;
      case "boolean":
        scratch[at++] = item ? header.yes : header.no;
        break;
      case "number":
        if (item >>> 0 !== item || Object.is(item, -0)) return undefined;
        at = putNumber(item, at);
        break;
      case "string":
        if (item.length > longestText) return undefined;
        if (item.length < 32) scratch[at++] = header.text | item.length;
        else {
          scratch[at++] = TEXT8;
          scratch[at++] = item.length;
        }
        for (let unit = 0; unit < item.length; unit++) {
          const code = item.charCodeAt(unit);
          if (code > 0x7f) return undefined;
          scratch[at++] = code;
        }
        break;
      default:
        // A second one may be the same table again, which is packed as such.
        if (!isEmptyObject(item) || objects++ > 0) return undefined;
        scratch[at++] = header.object;
    }
  }
  return new Uint8Array(scratch.subarray(0, at));
}

function putNumber(value: number, at: number): number {
  if (value < 0x80) scratch[at] = value;
  else if (value < 0x100) {
    scratch[at] = UINT8;
    scratch[at + 1] = value;
    return at + 2;
  } else if (value < 0x1_0000) {
    scratch[at] = UINT16;
    return scratch.writeUInt16BE(value, at + 1);
  } else {
    scratch[at] = UINT32;
    return scratch.writeUInt32BE(value, at + 1);
  }
  return at + 1;
}

function isEmptyObject(value: LuaValue): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const _ in value) return false;
  return metatableOf(value) === undefined;
}

/** The list that was packed; undefined when it holds anything that {@link packShort} leaves. */
export function unpackShort(bytes: Uint8Array): LuaValue[] | undefined {
  const first = bytes[0] ?? 0;
  if (first < header.list || first > header.list + mostItems) return undefined;
  const count = first - header.list;
  const list: LuaValue[] = [];
  let at = 1;
  for (let i = 0; i < count; i++) {
    const byte = bytes[at++];
    if (byte === undefined) return undefined;
    if (byte < 0x80) list.push(byte);
    else if (byte === header.nil) list.push(undefined);
    else if (byte === header.no || byte === header.yes) list.push(byte === header.yes);
    else if (byte === header.object) list.push(Object.create(null));
    else if (byte === UINT8 || byte === UINT16 || byte === UINT32) {
      const end = at + (1 << (byte - UINT8));
      if (end > bytes.length) return undefined;
      let value = 0;
      while (at < end) value = value * 256 + bytes[at++]!;
      list.push(value);
    } else if (byte === TEXT8 || (byte >= header.text && byte < header.text + 32)) {
      const length = byte === TEXT8 ? bytes[at++] ?? 0 : byte - header.text;
      if (length > longestText || at + length > bytes.length) return undefined;
      let text = "";
      for (const end = at + length; at < end; at++) {
        const code = bytes[at]!;
        if (code > 0x7f) return undefined;
        text += String.fromCharCode(code);
      }
      list.push(text);
    } else return undefined;
  }
  return at === bytes.length ? list : undefined;
}
