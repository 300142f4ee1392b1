import type { StoreRequests } from "../../operations/store/requests.ts";
import { WippyError } from "../../vm/error.ts";
import { asLua, type LuaValue, ofKernel } from "../../vm/value.ts";
import type { Service } from "../service.ts";

/** What a store does for each request. */
export type Requests = {
  [Name in keyof StoreRequests]: (
    input: StoreRequests[Name],
    signal: AbortSignal,
  ) => LuaValue | Promise<LuaValue>;
};

/** The `answer` of a store's service. */
export function answerOf(requests: Requests): NonNullable<Service["answer"]> {
  return (operation, input, { signal }) => {
    const request = requests[operation as keyof StoreRequests];
    // The other side are the operations of the module `store`.
    if (request) return request(ofKernel<never>(input), signal);
    throw new WippyError("Internal", `a store answers no ${operation}`, { retryable: false });
  };
}

/** A page of items, of which one more than `limit` was looked for. */
export function pageOf(
  found: { key: string; value: Uint8Array; version?: string }[],
  limit: number,
): LuaValue {
  const items = found.slice(0, limit);
  const cursor = items.at(-1)?.key;
  return asLua({
    items,
    has_more: found.length > limit,
    ...(cursor !== undefined && { cursor }),
  });
}

/** How a condition of a put was not met. */
export const unmet = {
  exists: (key: string) =>
    new WippyError("AlreadyExists", `key exists: ${key}`, { retryable: false }),
  missing: (key: string) =>
    new WippyError("NotFound", `key not found: ${key}`, { retryable: false }),
  changed: (key: string, version: string, expected: string) =>
    new WippyError("Conflict", `key ${key} has version ${version}, not ${expected}`, {
      retryable: true,
    }),
};
