import { z } from "@hono/zod-openapi";
import { stream } from "hono/streaming";
import { WippyError } from "../../vm/error.ts";
import { DebugSession, pulse } from "../debug-session.ts";
import { fields } from "../issues.ts";
import { plain } from "../plain.ts";
import type { Caller } from "../right.ts";
import { type AdminTarget, answer, body, failures, route, routes } from "../route.ts";

const id = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const code = z.string().max(100_000);
const breakpoint = z.strictObject({
  line: z.number().int().min(1).max(10_000_000),
  condition: code.optional(),
  hits: z.string().max(100).optional(),
  log: code.optional(),
});
const page = z.strictObject({
  start: id.optional(),
  count: id.optional(),
  filter: z.enum(["indexed", "named"]).optional(),
});

/** The arguments of each method. */
const methods = {
  alive: z.tuple([]),
  breakpoints: z.tuple([z.string().max(4096), z.array(breakpoint).max(10_000)]),
  exceptions: z.tuple([z.union([z.enum(["uncaught", "all"]), z.literal(false)])]),
  threads: z.tuple([]),
  continue: z.tuple([id, z.enum(["in", "over", "out"]).optional()]),
  pause: z.tuple([id]),
  stack: z.tuple([id]),
  scopes: z.tuple([id]),
  variables: z.tuple([id, page.optional()]),
  evaluate: z.tuple([id, code]),
  set: z.tuple([id, z.string().max(1000), code]),
};
type Method = keyof typeof methods;
const names = Object.keys(methods) as [Method, ...Method[]];

const call = fields({
  session: z.string().max(100),
  method: z.enum(names),
  args: z.array(z.unknown()).max(3),
});

function refused(kind: string, message: string): WippyError {
  return new WippyError(kind, message, { retryable: false });
}

/** @throws WippyError Invalid, which names what is wrong */
function argumentsOf(method: Method, args: unknown[]): unknown[] {
  const result = methods[method].safeParse(args);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = ["args", ...issue?.path ?? []].join(".");
  throw refused("Invalid", `${method}: ${path}: ${issue?.message}`);
}

/** Debugging the units of the runtime. */
export function debugRoutes(target: AdminTarget) {
  let session: DebugSession | undefined;

  /** Whoever debugs can run any code in any unit: more than a token of any role may do. */
  const check = (caller: Caller): void => {
    if (!caller.debugs) {
      throw refused(
        "PermissionDenied",
        "only the owner may debug, over a local socket that nobody else can open",
      );
    }
    if (!target.debuggable) {
      throw refused(
        "PermissionDenied",
        "this runtime cannot be debugged; start it with --debuggable",
      );
    }
  };
  const log = (message: string) =>
    target.logs.log({ level: "warn", time: Date.now(), logger: "debugger", message, fields: {} });

  return routes()
    .openapi(
      route({
        role: "admin",
        method: "get",
        path: "/debug/events",
        tags: ["Debugger"],
        summary: "Attaches a debugger for as long as the stream is read",
        description: "A line of JSON for each message. The first, `attached`, names the session " +
          "for calls; `event` is what happens; `pulse` has to be answered by a call, such as " +
          "`alive`. Only over the local socket of a runtime that was started with --debuggable.",
        responses: {
          200: {
            content: { "text/x-ndjson": { schema: { type: "string" } } },
            description: "The stream",
          },
          ...failures,
        },
      }),
      async (context) => {
        const right = context.get("right");
        check(right.caller);
        const interval = target.debuggable?.pulse ?? pulse;
        const opened = await DebugSession.open(await target.node.debugger(), interval, (why) => {
          log(`the debugger is detached: ${why}`);
          if (session === opened) session = undefined;
        });
        session = opened;
        log("a debugger is attached: it can run code in every unit");
        right.keep();
        right.signal.addEventListener("abort", () => opened.end("its right has ended"));
        context.header("content-type", "text/x-ndjson");
        return stream(context, async (out) => {
          out.onAbort(() => opened.end("it has gone"));
          try {
            for (;;) {
              const messages = await opened.next();
              if (messages === undefined) break;
              await out.write(messages.map((each) => `${JSON.stringify(each)}\n`).join(""));
            }
          } finally {
            opened.end("it has gone");
            right.end();
            out.abort();
          }
        });
      },
    )
    .openapi(
      route({
        role: "admin",
        method: "post",
        path: "/debug/calls",
        tags: ["Debugger"],
        summary: "Asks the debugger that is attached",
        request: { body: body(call) },
        responses: {
          200: answer(z.object({ value: z.unknown().optional() }), "What the method answers"),
          ...failures,
        },
      }),
      async (context) => {
        check(context.get("caller"));
        const { session: id, method, args } = context.req.valid("json");
        if (session?.id !== id) throw refused("NotFound", "this debugger is not attached");
        const checked = argumentsOf(method, args);
        if (method === "alive") {
          session.isAlive();
          return context.json({}, 200);
        }
        return context.json({ value: plain(await session.call(method, checked)) }, 200);
      },
    );
}
