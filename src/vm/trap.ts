/** The VM is dead: the wasm trapped, or Lua failed outside of any protected call. */
export class VmTrap extends Error {
  override readonly name = "VmTrap";
}

/** Whether an error means that the wasm is in no state to go on. */
export function isTrap(error: unknown): boolean {
  return error instanceof WebAssembly.RuntimeError || error instanceof VmTrap ||
    error instanceof RangeError && /call stack/i.test(error.message);
}

/** The end of a VM because of an error. */
export function trapOf(error: unknown): VmTrap {
  const reason = error instanceof Error ? error.message : String(error);
  return new VmTrap(`the Lua VM died: ${reason}`, { cause: error });
}

let closed: VmTrap | undefined;

/** What calls of a closed VM fail with: one for all, as VMs are closed often and called then rarely. */
export function closedTrap(): VmTrap {
  return closed ??= new VmTrap("the Lua VM is closed");
}
