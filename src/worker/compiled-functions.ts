import type { FunctionListing } from "../vm/compiler/listing.ts";
import { loadLuaModule } from "../vm/module.ts";
import { Vm } from "../vm/vm.ts";
import { registerEntries } from "./entries-image.ts";
import { loadKernelImage } from "./kernel-image.ts";
import { kernelOf } from "./kernel.ts";
import type { CodeEntry } from "./messages.ts";

/**
 * What the functions of an entry become when they are compiled, as in a worker. Nothing of it is run.
 *
 * @throws WippyError for code that cannot be loaded
 */
export async function compiledFunctions(
  entries: readonly CodeEntry[],
  { id, chunk = id }: CodeEntry,
): Promise<FunctionListing[]> {
  const image = await loadKernelImage();
  const vm = await Vm.create({
    module: await loadLuaModule(),
    clock: () => 0,
    jit: true,
    ...image && { image: image.vm },
  });
  try {
    registerEntries(vm, entries);
    const references = image?.references ??
      (await import("./kernel-sources.ts")).loadKernelSources(vm);
    kernelOf(vm, references).call("load_entries", id);
    // What only tries of the compiler have left behind is not meant.
    vm.load("collectgarbage() collectgarbage()", "=list");
    return await vm.compiling!.hot!.list(`=${chunk}`);
  } finally {
    vm.close();
  }
}
