import { dlopen, type FFIFunction } from "bun:ffi";

const machine = process.arch === "arm64" ? "aarch64" : "x86_64";

const libraries: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ["libc.so.6", `libc.musl-${machine}.so.1`],
  darwin: ["/usr/lib/libSystem.B.dylib"],
};

/** Functions of the system's C library; undefined if it cannot be loaded. */
export function fromC<Functions extends Record<string, FFIFunction>>(
  functions: Functions,
): ReturnType<typeof dlopen<Functions>>["symbols"] | undefined {
  for (const library of libraries[process.platform] ?? []) {
    try {
      return dlopen(library, functions).symbols;
    } catch {
      // Another C library, or none that can be loaded.
    }
  }
  return undefined;
}
