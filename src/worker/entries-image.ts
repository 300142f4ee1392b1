import { loadLuaModule } from "../vm/module.ts";
import { asLua } from "../vm/value.ts";
import { Vm } from "../vm/vm.ts";
import type { KernelImage } from "./image-file.ts";
import { hostFunctions, type Kernel, kernelOf } from "./kernel.ts";
import type { CodeEntry } from "./messages.ts";
import { pair } from "./pair.ts";
import { askLanguage } from "./typed-lua.ts";

/** Has a kernel forget what it has loaded of entries that are others, or imported by others, than these. */
function forgetChanged(
  kernel: Kernel,
  loaded: readonly CodeEntry[],
  entries: ReadonlyMap<string, CodeEntry>,
): void {
  const changed = loaded.filter((entry) => {
    const current = entries.get(entry.id);
    return current !== entry && !Bun.deepEquals(current, entry);
  });
  // What imports a library may know its types.
  const imported = changed.some(({ kind }) => kind === "library.lua");
  for (const { id } of imported ? loaded : changed) kernel.call("forget", id);
}

/** Registers the host functions of a kernel that loads entries, and runs none of their code. */
export function registerEntries(vm: Vm, entries: readonly CodeEntry[]): void {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  for (const name of hostFunctions) {
    if (name === "entry") vm.register(name, (id) => asLua(byId.get(String(id))));
    else if (name === "pure") {
      vm.register(
        name,
        (of, text) => pair(() => askLanguage(String(of), text)),
      );
    } else vm.register(name, () => {});
  }
}

/**
 * An image of a VM in which entries are loaded, for workers that run the same code one after another: none of them
 * compiles it. No code of an entry has run in it, so a worker that is made from it does what another does, but for the
 * compilation.
 *
 * @param base what the image adds to: that of the kernel, or one that was made here
 */
export async function imageWithEntries(
  base: KernelImage,
  entries: readonly CodeEntry[],
): Promise<KernelImage> {
  const vm = await Vm.create({
    module: await loadLuaModule(),
    clock: () => 0,
    image: base.vm,
    imaging: true,
  });
  registerEntries(vm, entries);
  kernelOf(vm, base.references).call("load_entries", ...entries.map(({ id }) => id));
  // What the compiler leaves behind is garbage, which no worker is to collect again.
  if (base.adapt === undefined) vm.load("collectgarbage() collectgarbage()", "=image");
  const image = await vm.image();
  vm.close();
  return {
    ...base,
    vm: image,
    adapt: (kernel, current) => {
      base.adapt?.(kernel, current);
      forgetChanged(kernel, entries, current);
    },
  };
}
