import { type Pointer, ptr } from "bun:ffi";
import { constants } from "node:os";
import { fromC } from "../../platform/c-library.ts";

/** How a system's `struct sigaction` is laid out. */
interface Layout {
  /** Byte at which `sa_flags` begins. */
  readonly flags: number;
  /** SA_RESETHAND. */
  readonly resetHandler: number;
}

const layouts: Partial<Record<NodeJS.Platform, Layout>> = {
  linux: { flags: 136, resetHandler: 0x80000000 },
  darwin: { flags: 12, resetHandler: 0x4 },
};

/** More than any system's `struct sigaction` takes. */
const actionSize = 256;

type Sigaction = (signal: number, action: Pointer | null, before: Pointer | null) => number;

let loaded: Sigaction | undefined;

function load(): Sigaction | undefined {
  return fromC({ sigaction: { args: ["i32", "ptr", "ptr"], returns: "i32" } })?.sigaction;
}

/**
 * Has the operating system take a signal's handler away when it has been called once, so that the next such signal
 * ends the process, whatever its threads are doing. Bun calls listeners from its event loop, which stands still
 * while Lua code of the same thread does.
 *
 * @returns whether that is so; `false` on a system whose C library cannot be reached
 */
export function handleOnce(signal: NodeJS.Signals): boolean {
  const layout = layouts[process.platform];
  if (layout === undefined) return false;
  loaded ??= load();
  if (loaded === undefined) return false;
  const action = new Uint8Array(actionSize);
  const number = constants.signals[signal];
  if (loaded(number, null, ptr(action)) !== 0) return false;
  const view = new DataView(action.buffer);
  view.setUint32(
    layout.flags,
    (view.getUint32(layout.flags, true) | layout.resetHandler) >>> 0,
    true,
  );
  return loaded(number, ptr(action), null) === 0;
}
