import { operations as loaders } from "../../build/operations.js";
import type { Operation } from "./operation.ts";

const loaded = new Map<string, ReadonlyMap<string, Operation>>();

function operationsOf(module: string): ReadonlyMap<string, Operation> {
  let found = loaded.get(module);
  if (!found) {
    const list = Object.hasOwn(loaders, module) ? loaders[module]?.() : undefined;
    found = new Map(list?.map((operation) => [operation.name, operation]));
    loaded.set(module, found);
  }
  return found;
}

/**
 * The host operation of a name, `module.operation`; undefined when there is none. A module's operations are loaded when
 * the first of them is asked for.
 */
export function operationNamed(name: string): Operation | undefined {
  return operationsOf(name.slice(0, name.indexOf("."))).get(name);
}

/** Every host operation: workflows record them, security checks them, docs list them. */
export function allOperations(): Operation[] {
  return Object.keys(loaders).flatMap((module) => [...operationsOf(module).values()]);
}
