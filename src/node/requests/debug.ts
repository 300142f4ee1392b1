import type { Debugger } from "../debugger/debugger.ts";
import { flag, integer, list, oneOf, optional, request, type Requests, text } from "./request.ts";

/** What kernels tell the debugger. */
export function debugRequests(target: () => Debugger | undefined): Requests {
  return {
    "debug.event": request(
      {
        kind: oneOf(["stopped", "continued", "output"]),
        thread: integer,
        reason: optional(text),
        text: optional(text),
        breakpoints: optional(list(integer)),
        breakpoint: optional(integer),
        caught: optional(flag),
      },
      (event, origin) => {
        target()?.told(origin, event);
        return true;
      },
    ),
  };
}
