/**
 * What the runtimes of all tests have in common: what cannot be changed.
 * @module
 */
import { codeEntry } from "../node/code.ts";
import { copyEntry, madeEntry, tryDecode } from "../registry/decode.ts";
import type { Entry } from "../registry/entry.ts";
import { kinds } from "../registry/kinds.ts";
import type { Variables } from "../registry/placeholder.ts";
import { imageWithEntries } from "../worker/entries-image.ts";
import type { KernelImage } from "../worker/image-file.ts";
import { loadKernelImage } from "../worker/kernel-image.ts";

/** For entries that name no variables. */
const none: Variables = { has: () => false, lookup: () => undefined };

function freeze<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  if (Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
  return value;
}

/** Whether a payload is the same whatever the environment's variables are. */
function isConstant({ source: _, ...data }: Entry["data"]): boolean {
  const text = JSON.stringify(data);
  return !text.includes("${") && !text.includes('_env":');
}

/** Copies of entries that cannot change, with what is made of their payloads, where that depends on nothing else. */
export function sharedEntries(entries: readonly Entry[]): Entry[] {
  return entries.map((given) => {
    const entry = freeze(structuredClone(given));
    const kind = kinds.get(entry.kind);
    if (!kind || !isConstant(entry.data)) return entry;
    const decoded = tryDecode(kind, entry, none);
    return "data" in decoded ? madeEntry(entry, freeze(decoded.data)) : entry;
  });
}

/** Entries for one runtime: only of those with code nothing is kept by the entry itself. */
export function ownEntries(entries: readonly Entry[]): Entry[] {
  return entries.map((entry) => kinds.get(entry.kind)?.code ? entry : copyEntry(entry));
}

/**
 * An image of a VM in which the code of entries is loaded.
 *
 * @param base what it adds to; that of the kernel when absent
 * @returns undefined where the kernel itself is loaded from its sources
 */
export async function loadedImage(
  entries: readonly Entry[],
  base?: KernelImage,
): Promise<KernelImage | undefined> {
  const from = base ?? await loadKernelImage();
  const constant = entries.filter(({ data }) => isConstant(data));
  return from && await imageWithEntries(from, constant.flatMap((it) => codeEntry(it, none) ?? []));
}
