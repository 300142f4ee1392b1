import type { z } from "zod";
import { contractBinding, contractDefinition } from "./kinds/contract.ts";
import {
  fileStorage,
  memoryStorage,
  osStorage,
  routerStorage,
  staticStorage,
  variable,
} from "./kinds/environment.ts";
import { processHost, processService, terminalHost, workflowHost } from "./kinds/host.ts";
import type { Kind } from "./kinds/kind.ts";
import { functionLua, libraryLua, processLua, workflowLua } from "./kinds/lua.ts";
import {
  fsDirectory,
  namespaceDefinition,
  namespaceDependency,
  namespaceRequirement,
  pgScope,
  registryEntry,
} from "./kinds/plain.ts";
import { workflowSchedule } from "./kinds/schedule.ts";
import { securityPolicy } from "./kinds/security.ts";
import { processSupervisor } from "./kinds/supervisor.ts";
import { suggest } from "./suggestion.ts";

/** Every kind of entry that an application may hold. */
export const kinds: ReadonlyMap<string, Kind> = new Map<string, Kind<z.ZodObject>>(
  [
    functionLua,
    libraryLua,
    processLua,
    workflowLua,
    processHost,
    terminalHost,
    workflowHost,
    workflowSchedule,
    processService,
    processSupervisor,
    registryEntry,
    pgScope,
    memoryStorage,
    fileStorage,
    osStorage,
    staticStorage,
    routerStorage,
    variable,
    fsDirectory,
    securityPolicy,
    contractDefinition,
    contractBinding,
    namespaceDefinition,
    namespaceRequirement,
    namespaceDependency,
  ].map((kind) => [kind.name, kind]),
);

/** Kinds of the reference runtime that this executable does not run, by their beginnings. */
const absent = /^(?:http|db|store|queue|template|exec|security|temporal|contract|fs|process)\./;

/** How to mend a kind that is not in `kinds`. */
export function suggestKind(name: string): string {
  if (name === "module.lua") return "built-in modules are not declared; list them under modules";
  if (name.endsWith(".lua.bc")) return `use ${name.slice(0, -".bc".length)} with a source`;
  const all = [...kinds.keys()];
  const list = `use one of ${all.join(", ")}`;
  return suggest(name, all, absent.test(name) ? `this wippy does not run it; ${list}` : list);
}
