import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { pack, unpack } from "../../vm/codec.ts";
import { WippyError } from "../../vm/error.ts";
import { type LuaValue, numberOf } from "../../vm/value.ts";
import {
  addedByModule,
  defineOperation,
  type Operation,
  type OperationContext,
} from "../operation.ts";
import type { StoreRequests } from "./requests.ts";

const storeId = lazy(() => addedByModule(z.string({ error: "a store id is text" })));
const key = lazy(() => z.string({ error: "a key is text in UTF-8" }));
const anything = lazy(() => z.custom<LuaValue>(() => true));

function invalid(message: string): WippyError {
  return new WippyError("Invalid", message, { retryable: false });
}

function checkStore({ services }: OperationContext, id: string): void {
  if (id === "") throw invalid("empty store id");
  const entry = services.entry(id);
  if (!entry) throw new WippyError("NotFound", `store not found: ${id}`, { retryable: false });
  if (!entry.kind.startsWith("store.")) {
    throw invalid(`${id} is a ${entry.kind} entry; use the id of a store.* entry`);
  }
}

async function ask<Name extends keyof StoreRequests>(
  context: OperationContext,
  service: string,
  operation: Name,
  input: StoreRequests[Name] & LuaValue,
): Promise<LuaValue> {
  checkStore(context, service);
  const { services, pid, signal } = context;
  return await services.ask({ service, operation, input, pid, signal });
}

function unpacked(item: LuaValue): Record<string, LuaValue> {
  const { key: name, value, version } = item as {
    key: string;
    value: Uint8Array;
    version?: string;
  };
  return { key: name, value: unpack(value), ...(version !== undefined && { version }) };
}

/** Milliseconds of a ttl in seconds; nil and 0 are without end. */
function milliseconds(ttl: LuaValue): number {
  if (ttl === undefined || ttl === null) return 0;
  const seconds = numberOf(ttl);
  if (seconds >= 0 && Number.isFinite(seconds)) return seconds * 1000;
  throw invalid("ttl must be a number of seconds, 0 or more");
}

function packed(value: LuaValue): Uint8Array {
  if (value === undefined || value === null) throw invalid("value is nil; delete the key instead");
  return pack(value);
}

const permission = (action: string) => (id: string, name: string) => ({
  action: `store.key.${action}`,
  resource: id,
  attributes: { key: name },
});

/** Host operations of the module `store`. */
export const store: Operation[] = [
  defineOperation({
    name: "store.get",
    summary: "Checks that a store runs.",
    mode: "async",
    arguments: () => [storeId()],
    permission: (id) => ({ action: "store.get", resource: id }),
    async run(context, id) {
      await ask(context, id, "info", {});
      return true;
    },
  }),
  defineOperation({
    name: "store.info",
    summary: "Returns what a store can do.",
    mode: "async",
    arguments: () => [storeId()],
    permission: (id) => ({ action: "store.info", resource: id }),
    run: (context, id) => ask(context, id, "info", {}),
  }),
  defineOperation({
    name: "store.entry",
    summary: "Returns key, value and version.",
    mode: "async",
    arguments: () => [storeId(), key()],
    permission: permission("get"),
    run: async (context, id, name) => unpacked(await ask(context, id, "entry", { key: name })),
  }),
  defineOperation({
    name: "store.put",
    summary: "Puts a value under a key, on conditions.",
    mode: "async",
    arguments: () => [
      storeId(),
      key(),
      anything(),
      anything(),
      z.boolean(),
      z.string({ error: "if_version is text" }).optional(),
    ],
    permission: permission("set"),
    async run(context, id, name, value, ttl, onlyIfAbsent, ifVersion) {
      if (onlyIfAbsent && ifVersion !== undefined) {
        throw invalid("only_if_absent and if_version exclude each other");
      }
      return unpacked(
        await ask(context, id, "put", {
          key: name,
          value: packed(value),
          ttl: milliseconds(ttl),
          ...(onlyIfAbsent && { only_if_absent: true }),
          ...(ifVersion !== undefined && { if_version: ifVersion }),
        }),
      );
    },
  }),
  defineOperation({
    name: "store.has",
    summary: "Whether there is a key.",
    mode: "async",
    arguments: () => [storeId(), key()],
    permission: permission("has"),
    run: (context, id, name) => ask(context, id, "has", { key: name }),
  }),
  defineOperation({
    name: "store.delete",
    summary: "Deletes a key.",
    mode: "async",
    arguments: () => [storeId(), key()],
    permission: permission("delete"),
    run: (context, id, name) => ask(context, id, "delete", { key: name }),
  }),
  defineOperation({
    name: "store.list",
    summary: "Returns a page of keys with their values.",
    mode: "async",
    arguments: () => [
      storeId(),
      z.string({ error: "a prefix is text" }),
      z.string({ error: "after is text" }),
      z.int({ error: "limit is a whole number" }),
    ],
    permission: (id, prefix) => ({
      action: "store.key.list",
      resource: id,
      attributes: { prefix },
    }),
    async run(context, id, prefix, after, limit) {
      if (limit < 1 || limit > 1000) throw invalid(`limit must be from 1 to 1000, got ${limit}`);
      const page = await ask(context, id, "list", { prefix, after, limit });
      const { items, ...rest } = page as { items: LuaValue[]; has_more: boolean };
      return { ...rest, items: Array.isArray(items) ? items.map(unpacked) : [] };
    },
  }),
];
