/**
 * Every kind of entry, found by the place of its definition (`src/services/make-index.ts`): see
 * `docs/contributing/entry-kinds.md`.
 * @module
 */
import { definitions } from "../../build/kinds.js";
import { isKind, type Kind } from "./kind.ts";
import { changeCapture } from "./modules.ts";
import { suggest } from "./suggestion.ts";

/** @throws Error where two definitions have one name */
function collect(): Map<string, Kind> {
  const found = new Map<string, Kind>();
  for (const [file, exported] of Object.entries(definitions)) {
    for (const kind of Object.values(exported).filter(isKind)) {
      if (found.has(kind.name)) {
        throw new Error(`${file}: the kind ${kind.name} is defined already`);
      }
      found.set(kind.name, kind);
    }
  }
  return found;
}

/** Every kind of entry that an application may hold, by name. */
export const kinds: ReadonlyMap<string, Kind> = collect();

/** Kinds of the reference runtime that this executable does not run, by their beginnings. */
const absent = /^(?:http|db|store|queue|template|exec|security|temporal|contract|fs|process)\./;

/** What to use in the place of kinds that this executable does not run. */
const instead: Readonly<Record<string, string>> = {
  "store.kv.raft":
    "a store replicated by consensus, which this wippy, one machine, does not have; use store.sql",
  "store.kv.crdt":
    "an eventually consistent store, which this wippy, one machine, does not have; use store.memory",
  "network.tailscale":
    "this wippy joins no network, but goes through its proxy; use network.socks5",
  "network.tor": "this wippy joins no network, but goes through its proxy; use network.socks5",
  "network.i2p": "this wippy joins no network, but goes through its proxy; use network.socks5",
};

/** How to fix a kind that is not in `kinds`. */
export function suggestKind(name: string): string {
  if (name === "module.lua") return "built-in modules are not declared; list them under modules";
  if (name.endsWith(".lua.bc")) return `use ${name.slice(0, -".bc".length)} with a source`;
  const replacement = instead[name];
  if (replacement !== undefined) return replacement;
  if (name.startsWith("cdc.")) return changeCapture;
  const all = [...kinds.keys()].sort();
  const list = `use one of ${all.join(", ")}`;
  return suggest(name, all, absent.test(name) ? `this wippy does not run it; ${list}` : list);
}
