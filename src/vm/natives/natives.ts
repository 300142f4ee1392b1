import { readFileSync } from "node:fs";
import { join } from "node:path";
import binaryen from "binaryen";
import { TransformError } from "../transform/module_text.ts";

const folder = import.meta.dirname;
/** AssemblyScript, like all that ends so: what it exports is spliced into the Lua wasm (../transform/assembly.ts). */
const ENTRY = "exports.as.ts";

/** Digits of AssemblyScript's optimization level; 3 inlines the small functions that read and write memory. */
const OPTIMIZE = ["--optimizeLevel", "3", "--shrinkLevel", "0", "--converge"];

/**
 * Compiles the natives (*.as.ts) and returns the module's text. It has no runtime, no data and no memory of its own: it
 * works on Lua's structures. The same sources make the same text.
 */
export async function compileNatives(): Promise<string> {
  // It takes a third of a second to load.
  const asc = await import("assemblyscript/asc");
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main([
    ...[ENTRY, "--outFile", "natives.wasm", "--baseDir", folder, "--runtime", "stub"],
    ...["--importMemory", "--noAssert", "--debug", "--use", "abort="],
    ...OPTIMIZE,
  ], {
    readFile: (name: string) => {
      try {
        return readFileSync(join(folder, name), "utf8");
      } catch {
        return null; // it looks in several places
      }
    },
    writeFile: (name: string, data: string | Uint8Array) => {
      if (name.endsWith(".wasm") && typeof data !== "string") binary = data;
    },
    listFiles: () => [],
  });
  if (error || binary === undefined) throw new TransformError("natives", String(stderr));
  const module = binaryen.readBinary(binary);
  module.setFeatures(binaryen.Features.All);
  try {
    return module.emitText();
  } finally {
    module.dispose();
  }
}
