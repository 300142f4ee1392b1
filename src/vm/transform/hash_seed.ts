import type { ModuleText } from "./module_text.ts";

/** What Lua's own seed came to before it was fixed here. */
const SEED = 2_720_147_670;

/**
 * Fixes the seed of string hashes. Lua makes it from addresses, so it would change with every change of the VM, and
 * with it the order in which `pairs` goes through the keys of a table: a workflow that began with another version of
 * this program would send its commands in another order when it is replayed. The seed is at 192 of what
 * `lua_newstate` allocates.
 */
export function fixHashSeed(module: ModuleText): void {
  module.change({
    name: "the seed of hashes",
    inside: "lua_newstate",
    find: `(i32.store offset=192 (local.get $2) (local.get $1))`,
    put: `(i32.store offset=192 (local.get $2) (i32.const ${SEED | 0}))`,
  });
}
