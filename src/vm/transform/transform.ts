import { createHash } from "node:crypto";
import binaryen from "binaryen";
import { addCompiledCalls } from "./compiled_calls.ts";
import { addCompiledOperations } from "./compiled_operations.ts";
import { addCollection } from "./collection.ts";
import { addSmallBlocks } from "./small_blocks.ts";
import { addSamples } from "./compiled_samples.ts";
import { exportForCompiledCode } from "./compiled_imports.ts";
import { correctErrorLines, leaveOutKernelLines } from "./error_lines.ts";
import { acceptErrorTexts } from "./error_texts.ts";
import { addGlobalsReset } from "./globals.ts";
import { fixHashSeed } from "./hash_seed.ts";
import { addLines } from "./lines.ts";
import { limitCallChains } from "./call_chains.ts";
import { limitPositions } from "./positions.ts";
import { addRaises } from "./raises.ts";
import { addBreakpoints } from "./breakpoints.ts";
import { addExceptions } from "./exceptions.ts";
import { addFuel } from "./fuel.ts";
import { writeIntegers } from "./integers.ts";
import { writeFloats } from "./floats.ts";
import { addToFunctionTable } from "./function_table.ts";
import { joinLists } from "./lists.ts";
import { payForLoops } from "./loops.ts";
import { addGrowingArrays } from "./growing_arrays.ts";
import { addKernelGate } from "./kernel_gate.ts";
import { addMemoryReserve } from "./memory_reserve.ts";
import { makeFirstMemorySmall } from "./first_memory.ts";
import { ModuleText, TransformError } from "./module_text.ts";
import { addNewTables } from "./new_tables.ts";
import { addNatives } from "./natives.ts";
import { addAssembly } from "./assembly.ts";
import { passOverPlaces } from "./patterns.ts";
import { relaxLibraries } from "./relaxed.ts";
import { boundSearches } from "./searches.ts";
import { makeShortStrings } from "./short_strings.ts";
import { addSoftInstructions } from "./soft_instructions.ts";
import { addSoftErrors } from "./soft_errors.ts";
import { addSoftYields } from "./soft_yields.ts";
import { addSuspension } from "./suspension.ts";
import { addSwitches } from "./switches.ts";
import { nameFunctions } from "./symbols.ts";

/** SHA-256 of wasmoon 1.16.0's glue.wasm, the only input that the transform is written for. */
export const INPUT_SHA256 = "95f3f19ddb740125883bc41d5ec670cd0828e7b58c8bdad385323cbff497b55c";

/** What Bun's JavaScriptCore reads; "all" would add the compact import section, which it cannot. */
export const FEATURES = binaryen.Features.MutableGlobals | binaryen.Features.NontrappingFPToInt |
  binaryen.Features.BulkMemory | binaryen.Features.BulkMemoryOpt | binaryen.Features.SignExt |
  binaryen.Features.ExceptionHandling | binaryen.Features.ReferenceTypes |
  binaryen.Features.CallIndirectOverlong | binaryen.Features.Multivalue;

/**
 * Turns wasmoon's wasm (PUC Lua 5.4) into the product's: soft yields, native exceptions, fuel,
 * the kernel's suspensions and natives. Throws a TransformError for any other input.
 *
 * @param natives what `compileNatives` returns
 */
export function transform(input: Uint8Array, natives: string): Uint8Array {
  const hash = createHash("sha256").update(input).digest("hex");
  if (hash !== INPUT_SHA256) {
    throw new TransformError("input", `its SHA-256 is ${hash}, not ${INPUT_SHA256}`);
  }
  return assemble(transformText(disassemble(input), natives));
}

/** The module's text, as binaryen prints it. */
export function disassemble(input: Uint8Array): string {
  const module = binaryen.readBinary(input);
  try {
    module.setFeatures(binaryen.Features.All);
    return module.emitText();
  } finally {
    module.dispose();
  }
}

/** The transform proper, from text to text. Throws a TransformError when a site does not match. */
export function transformText(text: string, natives: string): string {
  const module = new ModuleText(nameFunctions(text));
  addExceptions(module);
  addSoftYields(module);
  addSuspension(module);
  addSoftErrors(module);
  addSwitches(module);
  addCompiledCalls(module);
  addFuel(module);
  addBreakpoints(module);
  addRaises(module);
  addCompiledOperations(module);
  addSamples(module);
  addMemoryReserve(module);
  addSmallBlocks(module);
  addCollection(module);
  addNewTables(module);
  addGrowingArrays(module);
  makeFirstMemorySmall(module);
  makeShortStrings(module);
  addKernelGate(module);
  limitCallChains(module);
  addSoftInstructions(module);
  acceptErrorTexts(module);
  correctErrorLines(module);
  leaveOutKernelLines(module);
  fixHashSeed(module);
  limitPositions(module);
  boundSearches(module);
  passOverPlaces(module);
  joinLists(module);
  writeIntegers(module);
  writeFloats(module);
  relaxLibraries(module);
  addNatives(module);
  addLines(module);
  const assembly = addAssembly(module, natives);
  exportForCompiledCode(module);
  // Behind all that adds loops, so that these pay too.
  payForLoops(module, assembly);
  addToFunctionTable(module);
  addGlobalsReset(module);
  return module.toString();
}

/** To bytes. Binaryen's optimizing passes (-O2 to -O4) change no figure of bench/vm, so none runs. */
function assemble(text: string): Uint8Array {
  const module = binaryen.parseText(text);
  try {
    module.setFeatures(FEATURES);
    if (!module.validate()) throw new TransformError("output", "the module is not valid");
    // Names of functions, 32 kB of them, for stack traces and profiles.
    binaryen.setDebugInfo(true);
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}
