import { explain } from "../../network/failure.ts";
import { WippyError } from "../../vm/error.ts";

/** What a request was doing when it failed. */
export type Phase = "dns" | "connect" | "headers" | "body";

/** The error for options or arguments that cannot be used. */
export function invalid(message: string): WippyError {
  return new WippyError("Invalid", message, { retryable: false });
}

/** Method and URL as errors name them: without the query, which may hold secrets. */
export function nameOf(method: string, url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${method} ${protocol}//${host}${pathname}`;
}

/**
 * The error of a request that got no whole response.
 *
 * @param what as `nameOf` writes it
 * @param code a short name that programs may compare
 */
export function failed(what: string, phase: Phase, code: string, text: string): WippyError {
  return new WippyError("Internal", `${what}: ${text}`, {
    retryable: true,
    details: { code, phase },
  });
}

/** The error of anything that the network threw. */
export function failureOf(what: string, phase: Phase, error: unknown): WippyError {
  if (error instanceof WippyError) return error;
  const { code, text } = explain(error);
  return failed(what, phase, code, text);
}
