/**
 * Kinds of entries and modules of the reference runtime that this one does not have, by decision: what each is, and
 * what to use instead. The one list: loading and the checks read it.
 * @module
 */

const changeCapture =
  "cdc streams the changes of a database, which this wippy does not do; use sql, and have the transaction that " +
  "changes data write a row to a table that a process reads";

const webAssembly =
  "wasm kinds run WebAssembly components, which this wippy does not do; write the code in Lua, " +
  "or run the program with exec.native or exec.docker";

/** A module by its name. */
export const refusedModules: ReadonlyMap<string, string> = new Map([
  ["cdc", changeCapture],
  [
    "hub",
    "hub searches a public registry of modules, which this wippy does not have; keep modules in the folder that " +
    "wippy.lock names, and read their entries with registry",
  ],
  [
    "tty",
    "tty draws on a terminal, which this wippy leaves to programs; write to the terminal with io, or show data on " +
    "a page with http",
  ],
]);

/** What stands for kinds in an error, by the whole name or, with a star, by its beginning or end. */
const kinds: readonly (readonly [pattern: string, sentence: string])[] = [
  [
    "store.kv.raft",
    "store.kv.raft replicates keys over a cluster, but this wippy is one machine and has no replicated stores; " +
    "use store.sqlite, which is durable",
  ],
  [
    "store.kv.crdt",
    "store.kv.crdt merges the keys of the nodes of a cluster, but this wippy is one machine and has no replicated " +
    "stores; use store.memory, or store.sqlite, which is durable",
  ],
  ["cdc.*", changeCapture],
  ["*.wasm", webAssembly],
  ["wasm.*", webAssembly],
  ...["tailscale", "tor", "i2p"].map((name): [string, string] => [
    `network.${name}`,
    `network.${name} joins a network, which this wippy does not do; use network.socks5 with the proxy of ${
      name === "tor" ? name : `${name}d`
    }`,
  ]),
  [
    "module.lua",
    "module.lua declares a built-in module, which needs no entry here; list the module under modules",
  ],
];

/** Why a kind is refused and what to use instead, or `undefined` for a kind that is not refused by decision. */
export function refusedKind(name: string): string | undefined {
  if (name.endsWith(".lua.bc")) {
    const lua = name.slice(0, -".bc".length);
    return `${name} is bytecode of another Lua VM, which this wippy does not run; use ${lua} with a source`;
  }
  return kinds.find(([pattern]) =>
    pattern.startsWith("*")
      ? name.endsWith(pattern.slice(1))
      : pattern.endsWith("*")
      ? name.startsWith(pattern.slice(0, -1))
      : name === pattern
  )?.[1];
}
