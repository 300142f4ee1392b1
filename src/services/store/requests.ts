import type { StoreRequests } from "../../operations/store/requests.ts";
import { WippyError } from "../../vm/error.ts";
import { type LuaValue, ofKernel } from "../../vm/value.ts";
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
