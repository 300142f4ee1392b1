import { WippyError } from "../../vm/error.ts";
import type { Services } from "../services.ts";
import { any, request, type Requests, text } from "./request.ts";

/** What Lua modules ask of the service of an entry, while it runs. */
export function serviceRequests(services: Pick<Services, "running">): Requests {
  return {
    "services.ask": request(
      { service: text, operation: text, input: any, pid: text, frame: any },
      async ({ service, operation, input, pid, frame }) => {
        const running = services.running(service);
        if (running.answer) return await running.answer(operation, input, { pid, frame });
        throw new WippyError("Invalid", `service ${service} answers no ${operation}`, {
          retryable: false,
        });
      },
    ),
  };
}
