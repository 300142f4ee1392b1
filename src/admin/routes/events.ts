import { createRoute } from "@hono/zod-openapi";
import { streamSSE } from "hono/streaming";
import type { LiveEvents } from "../events.ts";
import { failures, routes } from "../route.ts";

/** How often an idle stream says that it lives, in milliseconds. */
const pulse = 15_000;
/** Least time between two writes: what comes meanwhile goes together. */
const rhythm = 100;

/** What changes, live. */
export function eventRoutes(live: LiveEvents) {
  const app = routes();
  app.openapi(
    createRoute({
      method: "get",
      path: "/events",
      tags: ["Runtime"],
      summary: "What changes, as server-sent events; `Last-Event-ID` goes on where it ended",
      description: "Events `unit`, `service`, `registry` and `log`. `lost` says that some were " +
        "dropped: read again what is shown.",
      responses: {
        200: {
          content: { "text/event-stream": { schema: { type: "string" } } },
          description: "The stream",
        },
        ...failures,
      },
    }),
    (context) =>
      streamSSE(context, async (stream) => {
        const reader = live.read(context.req.header("last-event-id"));
        const ended = new AbortController();
        stream.onAbort(() => {
          ended.abort();
          reader.close();
        });
        await stream.writeSSE({ event: "hello", data: "{}" });
        try {
          while (!ended.signal.aborted) {
            const idle = AbortSignal.any([ended.signal, AbortSignal.timeout(pulse)]);
            const { events, lost } = await reader.next(idle);
            if (lost) await stream.writeSSE({ event: "lost", data: "{}" });
            for (const { id, type, data } of events) {
              await stream.writeSSE({ id, event: type, data: JSON.stringify(data) });
            }
            if (events.length === 0 && !lost) await stream.write(": alive\n\n");
            await stream.sleep(rhythm);
          }
        } finally {
          reader.close();
        }
      }),
  );
  return app;
}
