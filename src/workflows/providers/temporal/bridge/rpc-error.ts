import { google, temporal } from "@temporalio/proto";
import { type ErrorKind, WippyError } from "../../../../vm/error.ts";

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
    cause: unknown,
  ) {
    super(kind, message, { retryable, cause });
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

/** Whether an error of the addon says that the worker has ended. */
export function isShutdown(error: unknown): boolean {
  return error instanceof Error && error.name === "ShutdownError";
}

/** An error of the addon in our terms. @param what was tried, as in `cannot WHAT: …`; absent: the message says it */
export function bridgeError(error: unknown, what?: string): WippyError {
  if (error instanceof WippyError) return error;
  if (!(error instanceof Error)) return WippyError.from(error);
  const about = (message: string) => what === undefined ? message : `cannot ${what}: ${message}`;
  const { code, details, metadata } = error as Partial<NativeServiceError>;
  if (error.name === "ServiceError" && typeof code === "number") {
    const [kind, retryable] = statuses[code] ?? ["Internal", false];
    const status = metadata?.["grpc-status-details-bin"];
    return new RpcError(
      kind,
      about(details || error.message),
      retryable,
      code,
      status instanceof Uint8Array ? status : new Uint8Array(),
      error,
    );
  }
  const lost = error.name === "TransportError";
  const kind = lost ? "Unavailable" : error.name === "TypeError" ? "Invalid" : "Internal";
  return new WippyError(kind, about(error.message), { retryable: lost, cause: error });
}

/** The addon's error of a request. */
interface NativeServiceError {
  code: number;
  details: string;
  metadata: Record<string, Uint8Array | string>;
}
