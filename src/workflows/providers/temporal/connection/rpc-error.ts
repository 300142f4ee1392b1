import { google, temporal } from "../messages/messages.ts";
import { type ErrorKind, WippyError } from "../../../../vm/error.ts";

/** gRPC's status codes that this program makes or asks for. */
export const codes = {
  ok: 0,
  canceled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** Kinds and retryability of gRPC's status codes. */
const statuses: Readonly<Record<number, readonly [kind: ErrorKind, retryable: boolean]>> = {
  1: ["Canceled", false],
  2: ["Internal", false],
  3: ["Invalid", false],
  4: ["Timeout", true],
  5: ["NotFound", false],
  6: ["AlreadyExists", false],
  7: ["PermissionDenied", false],
  8: ["RateLimited", true],
  9: ["Conflict", false],
  10: ["Conflict", true],
  11: ["Invalid", false],
  12: ["Invalid", false],
  13: ["Internal", false],
  14: ["Unavailable", true],
  15: ["Internal", false],
  16: ["PermissionDenied", false],
};

type ErrorDetails = typeof temporal.api.errordetails.v1;

/** Names of the details that the server adds to errors. */
export type StatusDetail = {
  [Name in keyof ErrorDetails]: ErrorDetails[Name] extends { decode(bytes: Uint8Array): unknown }
    ? Name
    : never;
}[keyof ErrorDetails];

/** A request that the server refused, or that did not reach it. */
export class RpcError extends WippyError {
  constructor(
    kind: ErrorKind,
    message: string,
    retryable: boolean,
    /** gRPC's. */
    readonly code: number,
    /** `google.rpc.Status`, as bytes; empty if the server adds no details. */
    readonly status: Uint8Array,
  ) {
    super(kind, message, { retryable });
  }

  /**
   * Returns the server's detail of a type, if there is one.
   *
   * @example
   * ```ts
   * const started = error.detail("WorkflowExecutionAlreadyStartedFailure");
   * if (started) return started.runId;
   * ```
   */
  detail<Name extends StatusDetail>(
    name: Name,
  ): ReturnType<ErrorDetails[Name]["decode"]> | undefined {
    if (this.status.length === 0) return undefined;
    const { details } = google.rpc.Status.decode(this.status);
    const found = details.find(({ type_url }) => type_url?.endsWith(`errordetails.v1.${name}`));
    if (!found) return undefined;
    const type: { decode(bytes: Uint8Array): unknown } = temporal.api.errordetails.v1[name];
    return type.decode(found.value ?? new Uint8Array()) as ReturnType<ErrorDetails[Name]["decode"]>;
  }
}

/**
 * The error of a status.
 *
 * A namespace that is not found is Unavailable: a server that has just started may not know it yet, and NotFound would
 * mean that what was asked for in it is absent.
 *
 * @param status `google.rpc.Status`, as bytes
 */
export function rpcError(code: number, message: string, status = new Uint8Array()): RpcError {
  const [kind, retryable] = statuses[code] ?? ["Internal", false];
  const error = new RpcError(kind, message || `gRPC status ${code}`, retryable, code, status);
  if (kind !== "NotFound" || !error.detail("NamespaceNotFoundFailure")) return error;
  return new RpcError("Unavailable", error.message, true, code, status);
}
