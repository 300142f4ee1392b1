import type { Pushable } from "../vm/push.ts";
import { type LuaValue, ofKernel, PackedList } from "../vm/value.ts";
import { LuaRef } from "../vm/value.ts";
import type { Vm } from "../vm/vm.ts";
import { type ErrorData, WippyError } from "../vm/error.ts";
import { Parcel, type Parcels } from "../vm/parcels.ts";
import type { DirectMessage } from "./batch.ts";

/** Functions of `lua/kernel/kernel.lua` that the worker calls. */
export const kernelFunctions = [
  "configure",
  "shuffle",
  "alone",
  "host",
  "run",
  "serve",
  "complete",
  "complete_all",
  "complete_each",
  "request",
  "arrived",
  "take_mail",
  "congested",
  "activate",
  "replay",
  "evict",
  "query",
  "where",
  "call",
  "cancel_call",
  "act",
  "worker_down",
  "cancel_all",
  "stopping",
  "check",
  "forget",
  "scratch",
  "preload",
  "load_entries",
  "count_lines",
  "line_counts",
  "make_error",
  "error_meta",
] as const;

export type KernelFunction = (typeof kernelFunctions)[number];

/** The Lua kernel of a VM. */
export interface Kernel {
  /** Calls a kernel function. @throws WippyError for a fault of the kernel itself, VmTrap when the VM died. */
  call(name: KernelFunction, ...args: (Pushable | PackedList)[]): LuaValue[];
}

/** Host functions that the kernel calls, in the order in which a worker registers them. */
export const hostFunctions = [
  "emit",
  "publish",
  "entry",
  "pure",
  "immediate",
  "log",
  "place",
  "alive",
  "liveness",
  "admit",
  "leave",
  "random_digits",
  "watch",
  "limit_memory",
  "write",
  "read",
  "part",
] as const;

/** The kernel of a VM into which it was loaded, by its references. */
export function kernelOf(vm: Vm, references: readonly number[]): Kernel {
  const byName = new Map<KernelFunction, LuaRef>(
    kernelFunctions.map((name, index) => [name, new LuaRef(references[index]!)]),
  );
  const ref = (name: KernelFunction): LuaRef => byName.get(name)!;
  vm.setErrorType({ construct: ref("make_error"), metatable: ref("error_meta") });
  return {
    call: (name, ...args) => vm.call(ref(name), ...args),
  };
}

/** How often each line of the code of an entry has run, by identifier. */
export type LineCounts = Record<string, number[]>;

/** Has code count how often its lines run. Returns what reads the counts, also while the runtime is halted. */
export function countLines(kernel: Kernel): () => LineCounts {
  kernel.call("count_lines");
  return () => ofKernel<LineCounts>(kernel.call("line_counts")[0]);
}

/** Why entries do not load; with `apart`, their code is loaded beside what is there. */
export function problemsOf(
  kernel: Kernel,
  ids: readonly string[],
  apart: boolean,
): { id: string; failure: ErrorData }[] {
  const problems: { id: string; failure: ErrorData }[] = [];
  if (apart) kernel.call("scratch", true);
  try {
    for (const id of ids) {
      const [failure] = kernel.call("check", id);
      if (failure instanceof WippyError) problems.push({ id, failure: failure.toJSON() });
    }
  } finally {
    if (apart) kernel.call("scratch", false);
  }
  return problems;
}

/** Values with which the kernel is entered at once, about. */
const mostValues = 2000;

/** How many items a packed list has. */
export function lengthOf(list: Uint8Array): number {
  const [first = 0] = list;
  if (first < 0xa0) return first & 15;
  const view = new DataView(list.buffer, list.byteOffset);
  return first === 0xdc ? view.getUint16(1) : view.getUint32(1);
}

/** Gives the kernel what another worker has sent: with one entry, or few when it is much. */
export function deliver(kernel: Kernel, origin: number, items: readonly DirectMessage[]): void {
  let values: (LuaValue | PackedList)[] = [];
  let count = 0;
  const enter = () => {
    if (values.length > 0) kernel.call("arrived", origin, ...values);
    values = [];
    count = 0;
  };
  for (const item of items) {
    const [op, list] = item.type === "request" ? [item.op, item.args] : [false, item.values];
    const length = lengthOf(list);
    values.push(length, item.ticket, op, new PackedList(list));
    count += length + 3;
    if (count > mostValues) enter();
  }
  enter();
}

/** The same with messages that natives of the other worker have packed. */
export function deliverAll(
  kernel: Kernel,
  parcels: Parcels,
  origin: number,
  items: readonly (DirectMessage | Parcel)[],
): void {
  let others: DirectMessage[] = [];
  for (const item of items) {
    if (!(item instanceof Parcel)) others.push(item);
    else {
      if (others.length > 0) deliver(kernel, origin, others);
      others = [];
      deliverParcel(kernel, parcels, origin, item);
    }
  }
  if (others.length > 0) deliver(kernel, origin, others);
}

function deliverParcel(kernel: Kernel, parcels: Parcels, origin: number, parcel: Parcel): void {
  let at = parcels.place(parcel);
  if (at === 0) throw new WippyError("Unavailable", "not enough memory in the Lua VM");
  const end = at + parcel.length;
  while (at < end) {
    const [left] = kernel.call("take_mail", origin, at, end);
    if (typeof left !== "number") break;
    const message = parcels.message(left);
    kernel.call("arrived", origin, lengthOf(message), 0, "send", new PackedList(message));
    at = left + 4 + message.length;
  }
  parcels.done();
}
