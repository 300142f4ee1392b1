import { SHARED, type SharedName } from "./frame.ts";
import { beginAgain, callOther, directCall, returnResults, settle } from "./shared-calls.ts";
import { findSlot, getField, setField } from "./shared-fields.ts";
import { nextEntry } from "./shared-iteration.ts";
import { getIndex, length, setIndex, setKey } from "./shared-tables.ts";
import { callIntrinsic, type Intrinsic } from "./intrinsics.ts";
import type { Shared } from "./wasm.ts";

type Indices = Readonly<Record<Intrinsic, number>>;
const BODIES: Readonly<Record<SharedName, (indices: Indices) => Shared>> = {
  call: directCall,
  begin: beginAgain,
  callOther,
  intrinsic: callIntrinsic,
  settle,
  findSlot,
  getField,
  setField,
  getIndex,
  setIndex,
  setKey,
  length,
  next: nextEntry,
  return: returnResults,
};
let made: readonly Shared[] | undefined;

/**
 * What instructions do that is too long to be emitted each time: functions that each module has for itself, since a
 * call into another module takes several times as long, and since WebAssembly's engine inlines only what is in the
 * same one. Whatever is rare they leave to the functions of the Lua wasm, which do it from the beginning.
 *
 * @param indices of the intrinsics in the function table: the same in every VM
 */
export function sharedFunctions(indices: Indices): readonly Shared[] {
  return made ??= SHARED.map((name) => BODIES[name](indices));
}
