/**
 * What is known of the entries of a registry before any of them runs.
 * @module
 */
import type { Entry } from "../registry/entry.ts";
import { kinds } from "../registry/kinds.ts";
import type { CodeEntry } from "../worker/messages.ts";
import { isServiceKind, type ServiceTraits } from "./service.ts";

/** What runs on entries of a kind, where units do. */
export function hostKind(name: string): ServiceTraits["host"] {
  const kind = kinds.get(name);
  return isServiceKind(kind) ? kind.service.host : undefined;
}

/** What workflow hosts have in common that keep their runs in one place; undefined for a place of its own. */
export function hostGroup(entry: Entry): string | undefined {
  const kind = kinds.get(entry.kind);
  return isServiceKind(kind) ? kind.service.group?.(entry) : undefined;
}

let ofKinds: readonly CodeEntry[] | undefined;

/** The Lua entries that kinds bring along. */
export function serviceCode(): readonly CodeEntry[] {
  return ofKinds ??= [...kinds.values()].filter(isServiceKind)
    .flatMap(({ service }) => service.code ?? []);
}

/** Whether one of the entries runs something that has the terminal of this program. */
export function hasForeground(entries: readonly Entry[]): boolean {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  return entries.some((entry) => {
    const kind = kinds.get(entry.kind);
    return isServiceKind(kind) && kind.service.foreground?.(entry, byId) === true;
  });
}
