import { WippyError } from "../../vm/error.ts";
import { checkValue, valueLimits } from "../../vm/limits.ts";
import { pack } from "../../vm/codec.ts";
import { packPlain } from "./history.ts";
import type { LuaValue } from "../../vm/value.ts";
import type { Failure } from "../engine/outcome.ts";
import type { Payload } from "../payload.ts";

/**
 * Bytes that one recorded value may have, packed: arguments, results, messages. Temporal's limit. Workflow code is held
 * to it by `lua/kernel/workflows/record_size.lua`.
 */
export const maxRecordSize = valueLimits.record;

/**
 * Refuses a value that is too large to be kept in a history, which every replay reads.
 *
 * @param what the value in words, such as "the result of app:report".
 * @throws WippyError Invalid
 */
export function checkRecordSize(payload: Payload, what: string): Payload {
  if (payload.length <= maxRecordSize) return payload;
  throw new WippyError(
    "Invalid",
    `${what} has ${payload.length} bytes; at most ${maxRecordSize} can be recorded. ` +
      "Keep it in a file or a store, and pass its name",
    { retryable: false, details: { size: payload.length, limit: maxRecordSize } },
  );
}

/**
 * Packs a value that is to be recorded.
 *
 * @param what the value in words, such as "the memo"
 * @throws WippyError Invalid when it is too deep or too large
 */
export function recordValue(value: LuaValue, what: string): Payload {
  return checkRecordSize(pack(checkValue(value, what)), what);
}

/** Packs a list of values, each of which may be as deep as a value may. @throws WippyError as `recordValue` */
export function recordValues(values: readonly LuaValue[], what: string): Payload {
  for (const value of values) checkValue(value, what);
  return checkRecordSize(pack(values as LuaValue[]), what);
}

/** What an attempt of an activity gave, as it can be recorded: a value that cannot be is a failure. */
export function recordedOutcome(
  entry: string,
  value: LuaValue,
  error: LuaValue,
): { value: Payload } | { failure: Failure } {
  try {
    if (error instanceof WippyError) throw error;
    return { value: recordValue(value, `the result of ${entry}`) };
  } catch (failure) {
    return { failure: boundedFailure(WippyError.from(failure).toJSON(), `the error of ${entry}`) };
  }
}

/** A failure that can be recorded: of one that is too large the beginning of its message is kept. */
export function boundedFailure(failure: Failure, what: string): Failure {
  const size = packPlain(failure).length;
  if (size <= maxRecordSize) return failure;
  const { kind, message, retryable } = failure;
  const limit = `${what} has ${size} bytes; at most ${maxRecordSize} can be recorded`;
  return {
    kind,
    message: `${message.slice(0, 1000)} [${limit}]`,
    ...retryable === undefined ? {} : { retryable },
    details: { size, limit: maxRecordSize },
  };
}
