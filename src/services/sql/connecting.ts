import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { WippyError } from "../../vm/error.ts";
import type { ServerSettings } from "./schema.ts";

/** How long a connection may take, in milliseconds. */
export const connectTimeout = 10_000;

/** A failure to connect; the reason is `cause`. */
export function unreachable({ host, port }: ServerSettings, cause: WippyError): WippyError {
  return new WippyError("Unavailable", `connect to ${host}:${port}: ${cause.message}`, {
    retryable: true,
    details: { ...cause.details },
    cause,
  });
}

/** The text of a file of certificates. @throws WippyError Invalid */
export function certificate(directory: string, option: string, path: string): string {
  try {
    return readFileSync(resolve(directory, path), "utf8");
  } catch (error) {
    throw invalidOption(option, (error as Error).message);
  }
}

/** An option with which no connection can be made. */
export function invalidOption(option: string, message: string): WippyError {
  return new WippyError("Invalid", `option ${option}: ${message}`, { retryable: false });
}
