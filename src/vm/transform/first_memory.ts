import type { ModuleText } from "./module_text.ts";

/** Pages of 64 KiB of a new instance's memory: the kernel's image fits, and a short script. */
const PAGES = 128;

/**
 * Makes the memory of a new instance smaller than the 16 MiB that wasmoon asks for. What is not used costs no memory
 * of the machine, but JavaScriptCore takes it for allocated, and would collect its garbage for it in the middle of a
 * short script.
 */
export function makeFirstMemorySmall(module: ModuleText): void {
  module.changeField(
    "the first memory",
    /^ \(memory \$0 256 /,
    (field) => field.replace("256", String(PAGES)),
  );
}
