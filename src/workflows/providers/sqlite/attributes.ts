import { pack, unpack } from "../../../vm/codec.ts";
import type { LuaValue } from "../../../vm/value.ts";
import type { Payload } from "../../provider.ts";

/** Memo or search attributes with others laid over them; all packed. */
export function mergeAttributes(old: Payload | null, added: Payload): Payload {
  if (!old) return added;
  const tables = [unpack(old), unpack(added)] as { [key: string]: LuaValue }[];
  return pack(Object.assign({}, ...tables));
}
