import type { Entry } from "../../../src/registry/entry.ts";
import type { OperationContext, OperationServices } from "../../../src/operations/operation.ts";
import { checkArguments } from "../../../src/operations/operation.ts";
import { operationNamed } from "../../../src/operations/operations.ts";
import { ResourceTable } from "../../../src/operations/resources.ts";
import { Environment } from "../../../src/app/environment.ts";
import { unpackRows } from "../../../src/vm/rows.ts";
import { asLua, type LuaValue, PackedRows } from "../../../src/vm/value.ts";

/** An entry as the registry holds it. */
export function entryOf(id: string, kind: string, data: Record<string, unknown> = {}): Entry {
  return { id, kind, meta: {}, data };
}

/** Services over a few entries. Random bytes count up, so that they are known. */
export function testServices(entries: Entry[] = [], directory = "."): OperationServices {
  let next = 0;
  return {
    entry: (id) => entries.find((entry) => entry.id === id),
    entries: () => entries,
    register: () => {
      throw new Error("no entry changes in a unit test");
    },
    environment: new Environment(entries, { directory, system: {} }),
    directory,
    moduleDirectory: () => directory,
    random: (count) => Uint8Array.from({ length: count }, () => next++ & 0xff),
    clock: { now: () => 1_700_000_000_000 },
    startedAt: 1_700_000_000_000,
    ask: () => Promise.reject(new Error("no service runs in a unit test")),
  };
}

/** The context of a unit of the entry `test:main`. */
export function testContext(
  services: OperationServices,
  rest: Partial<OperationContext> = {},
): OperationContext {
  return {
    signal: new AbortController().signal,
    pid: "{test:processes|0x00001}",
    entry: "test:main",
    resources: new ResourceTable(),
    services,
    ...rest,
  };
}

/** Runs an operation by name, as the worker does. */
export async function perform(
  context: OperationContext,
  name: string,
  ...args: LuaValue[]
): Promise<LuaValue> {
  const operation = operationNamed(name)!;
  const value = await operation.run(context, checkArguments(operation, args));
  return value instanceof PackedRows ? asLua(unpackRows(value.bytes)) : value;
}
