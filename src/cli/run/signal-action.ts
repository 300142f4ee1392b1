import { dlopen, type Pointer, ptr } from "bun:ffi";
import { constants } from "node:os";

/** Where a system keeps its C library, and how its `struct sigaction` is laid out. */
interface Layout {
  readonly libraries: readonly string[];
  /** Byte at which `sa_flags` begins. */
  readonly flags: number;
  /** SA_RESETHAND. */
  readonly resetHandler: number;
}

const machine = process.arch === "arm64" ? "aarch64" : "x86_64";

const layouts: Partial<Record<NodeJS.Platform, Layout>> = {
  linux: {
    libraries: ["libc.so.6", `libc.musl-${machine}.so.1`],
    flags: 136,
    resetHandler: 0x80000000,
  },
  darwin: { libraries: ["/usr/lib/libSystem.B.dylib"], flags: 12, resetHandler: 0x4 },
};

/** More than any system's `struct sigaction` takes. */
const actionSize = 256;

type Sigaction = (signal: number, action: Pointer | null, before: Pointer | null) => number;

let loaded: Sigaction | undefined;

function load({ libraries }: Layout): Sigaction | undefined {
  for (const library of libraries) {
    try {
      return dlopen(library, { sigaction: { args: ["i32", "ptr", "ptr"], returns: "i32" } })
        .symbols.sigaction;
    } catch {
      // Another C library, or none that can be loaded.
    }
  }
  return undefined;
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
  loaded ??= load(layout);
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
