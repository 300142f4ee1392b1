import { streamSSE } from "hono/streaming";
import { WippyError } from "../../vm/error.ts";
import type { LiveEvents } from "../events.ts";
import { problem } from "../problem.ts";
import { failures, route, routes } from "../route.ts";

/** How often an idle stream sends a sign of life, in milliseconds. */
const pulse = 15_000;
/** Least time between two writes: what comes meanwhile goes together. */
const rhythm = 100;
/** How long a reader may take nothing of what was written, in milliseconds. */
const patience = 30_000;
/** Streams that one token may have open. */
export const mostStreams = 16;

/** What changes, live. */
export function eventRoutes(live: LiveEvents) {
  return routes().openapi(
    route({
      role: "viewer",
      method: "get",
      path: "/events",
      tags: ["Runtime"],
      summary: "What changes, as server-sent events; `Last-Event-ID` resumes a stream",
      description: "Events `unit`, `service`, `registry` and `log`. `lost` says that some were " +
        "dropped: read again what is shown. A token may have " + mostStreams + " streams open.",
      responses: {
        200: {
          content: { "text/event-stream": { schema: { type: "string" } } },
          description: "The stream",
        },
        ...failures,
      },
    }),
    (context) => {
      const right = context.get("right");
      if (context.get("rights").keptBy(right.caller.name) >= mostStreams) {
        const message = `this token has ${mostStreams} event streams open; close one first`;
        return problem(context, new WippyError("RateLimited", message, { retryable: true }));
      }
      right.keep();
      return streamSSE(context, async (stream) => {
        const reader = live.read(context.req.header("last-event-id"));
        const ended = new AbortController();
        const signal = AbortSignal.any([ended.signal, right.signal]);
        stream.onAbort(() => ended.abort());
        const write = async (text: string) => {
          const late = setTimeout(() => ended.abort(), patience);
          // A write waits as long as the reader's connection is full.
          const stop = Promise.withResolvers<void>();
          const abort = () => stop.resolve();
          signal.addEventListener("abort", abort, { once: true });
          if (signal.aborted) abort();
          await Promise.race([stream.write(text), stop.promise]);
          signal.removeEventListener("abort", abort);
          clearTimeout(late);
        };
        try {
          await write("event: hello\ndata: {}\n\n");
          while (!signal.aborted) {
            const idle = AbortSignal.any([signal, AbortSignal.timeout(pulse)]);
            const { events, lost } = await reader.next(idle);
            // A right that has ended shows nothing more, not even what has come since the last check.
            if (!right.holds()) break;
            if (lost) await write("event: lost\ndata: {}\n\n");
            for (const { text } of events) {
              if (signal.aborted) break;
              await write(text);
            }
            if (events.length === 0 && !lost) await write(": alive\n\n");
            await stream.sleep(rhythm);
          }
        } finally {
          reader.close();
          right.end();
          // Without waiting for what a reader who is gone will never take.
          if (signal.aborted) stream.abort();
        }
      });
    },
  );
}
