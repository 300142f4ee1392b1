import type { Services } from "../services.ts";
import { any, integer, optional, request, type Requests, text } from "./request.ts";

/** What Lua modules and operations ask of the service of an entry, while it runs. */
export function serviceRequests(
  services: Pick<Services, "ask">,
): { requests: Requests; workerDied(worker: number): void } {
  /** What workers wait for and may call off, by `WORKER CALL`. */
  const calls = new Map<string, AbortController>();
  /** Aborted when the worker has died. */
  const workers = new Map<number, AbortController>();
  const workerOf = (index: number) => {
    const present = workers.get(index) ?? new AbortController();
    workers.set(index, present);
    return present.signal;
  };
  const requests: Requests = {
    "services.ask": request(
      {
        service: text,
        operation: text,
        input: any,
        pid: text,
        frame: any,
        call: optional(integer),
      },
      async ({ service, operation, input, pid, frame, call }, origin) => {
        const controller = new AbortController();
        const key = `${origin} ${call}`;
        if (call !== undefined) calls.set(key, controller);
        try {
          const caller = { pid, frame, signal: controller.signal, gone: workerOf(origin) };
          return await services.ask(service, operation, input, caller);
        } finally {
          calls.delete(key);
        }
      },
    ),
    "services.cancel": request({ call: integer }, ({ call }, origin) => {
      calls.get(`${origin} ${call}`)?.abort();
      return true;
    }),
  };
  return {
    requests,
    workerDied(worker) {
      for (const [key, controller] of calls) {
        if (key.startsWith(`${worker} `)) controller.abort();
      }
      workers.get(worker)?.abort();
      workers.delete(worker);
    },
  };
}
