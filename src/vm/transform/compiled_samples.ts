import { firstKib } from "../first-kib.ts";
import type { ModuleText } from "./module_text.ts";

/** Where the last samples are: words, as a ring. */
export const SAMPLES = {
  address: firstKib.samples.address,
  count: firstKib.samples.size / 4,
} as const;

/**
 * What `src/vm/compiler` has to know of functions: which ones run, and which are gone.
 *
 * Whenever a quantum of fuel is spent, the Proto of the interpreted function that runs is noted in a ring; `$samples`
 * counts them, and `$made_protos` the Protos that there have been. When the collector frees a Proto, its compiled code
 * leaves the function table, and `$freed_protos` counts it: an address may then be that of another one.
 */
export function addSamples(module: ModuleText): void {
  module.append(`(global $samples (mut i32) (i32.const 0))`);
  module.append(`(global $made_protos (mut i32) (i32.const 0))`);
  module.append(`(global $freed_protos (mut i32) (i32.const 0))`);
  const refuel = `(if (i32.and (global.get $metered) (call $refuel)) (then (return)))`;
  module.change({
    name: "preempt samples",
    inside: "preempt",
    find: refuel,
    put: `(call $note_sample (local.get $L)) ${refuel}`,
  });
  module.append(`
 (func $note_sample (param $L i32)
  (local $func i32)
  (local $proto i32)
  (local.set $func (i32.load (i32.load offset=20 (local.get $L))))
  (if (i32.ne (i32.load8_u offset=8 (local.get $func)) (i32.const 0x46)) (then (return)))
  (local.set $proto (i32.load offset=12 (i32.load (local.get $func))))
  (if (i32.load16_u offset=10 (local.get $proto)) (then (return)))
  (i32.store offset=${SAMPLES.address}
   (i32.shl
    (i32.rem_u (global.get $samples) (i32.const ${SAMPLES.count}))
    (i32.const 2))
   (local.get $proto))
  (global.set $samples (i32.add (global.get $samples) (i32.const 1))))`);
  module.change({
    name: "freeobj frees a Proto",
    inside: "freeobj",
    find: `(local.get $1) (i32.const 84) (i32.const 0)`,
    put: `(block (result i32) (call $forget_compiled (local.get $1)) (local.get $1))
      (i32.const 84) (i32.const 0)`,
  });
  module.append(`
 (func $forget_compiled (param $proto i32)
  (global.set $freed_protos (i32.add (global.get $freed_protos) (i32.const 1)))
  (if (i32.load16_u offset=10 (local.get $proto))
   (then (table.set $0 (i32.load16_u offset=10 (local.get $proto)) (ref.null func)))))`);
}
