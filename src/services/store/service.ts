import type { LuaValue } from "../../vm/value.ts";
import type { ServiceContext } from "../context.ts";
import { type Service, untilStopped } from "../service.ts";
import { type Item, MemoryStore } from "./memory.ts";
import { answerOf, pageOf, type Requests, unmet } from "./requests.ts";
import type { MemorySettings } from "./schema.ts";

function itemTable({ key, value, version }: Item): LuaValue {
  return { key, value, version };
}

/** A store in memory as a service; what is in it ends with it. */
export function runMemoryStore(
  { platform, entry }: ServiceContext,
  { max_size, cleanup_interval }: MemorySettings,
): Service {
  const store = new MemoryStore(platform, max_size, cleanup_interval);
  const requests: Requests = {
    info: () => ({
      id: entry.id,
      backend: "memory",
      consistency: "local",
      durable: false,
      list: true,
      versioned: true,
      conditional_put: true,
      ttl: true,
    }),
    entry({ key }) {
      const item = store.get(key);
      if (item) return itemTable(item);
      throw unmet.missing(key);
    },
    put: ({ key, value, ttl, only_if_absent, if_version }) =>
      itemTable(store.put(key, value, {
        ttl,
        ...(only_if_absent && { onlyIfAbsent: true }),
        ...(if_version !== undefined && { ifVersion: if_version }),
      })),
    has: ({ key }) => store.get(key) !== undefined,
    delete: ({ key }) => store.delete(key),
    list: ({ prefix, after, limit }) =>
      pageOf(
        store.list(prefix, after, limit + 1)
          .map(({ key, value, version }) => ({ key, value, version })),
        limit,
      ),
  };
  return untilStopped({
    open() {},
    close: () => store.clear(),
    answer: answerOf(requests),
    inspect: () => ({ keys: store.size, max_size }),
    figures: () => [{ name: "wippy_store_keys", help: "Keys of a store.", value: store.size }],
  });
}
