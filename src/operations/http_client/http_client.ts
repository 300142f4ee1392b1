import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { WippyError } from "../../vm/error.ts";
import { asLua, type LuaValue } from "../../vm/value.ts";
import {
  addedByModule,
  bytesOf,
  defineOperation,
  luaList,
  luaString,
  type Operation,
  type OperationContext,
} from "../operation.ts";
import { isPlain, needsOf, options, type Request, request, requestOf } from "./request.ts";
import type { Outcome } from "./exchange.ts";

const granted = lazy(() => luaList(z.string()).optional());
const body = lazy(() => luaString().optional());
const handle = lazy(() => addedByModule(z.int()));

/** What `http_client.send_all` has of each request. */
const sending = lazy(() => z.object({ request: request(), body: body(), granted: granted() }));

function placeOf(
  { signal, resources, services }: OperationContext,
  given: string[] | undefined,
) {
  return { signal, resources, services, granted: given && new Set(given) };
}

function answer(outcome: Outcome): LuaValue {
  return asLua(outcome);
}

/** Read when the first request is sent. */
const exchanging = lazy(() => import("./exchange.ts"));

async function send(
  context: OperationContext,
  wanted: Request,
  content: string | Uint8Array | undefined,
  given: string[] | undefined,
): Promise<LuaValue> {
  const { exchange } = await exchanging();
  const some = wanted.form ?? (content === undefined || content.length === 0 ? undefined : content);
  return answer(await exchange(wanted, some, placeOf(context, given)));
}

/**
 * Host operations of the module `http_client`. Permissions depend on where a request leads: on addresses that names
 * resolve to, on redirects. So a request that lacks one stops, and says which; the module asks, and goes on.
 */
export const http_client: Operation[] = [
  defineOperation({
    name: "http_client.prepare",
    calledAs: "http_client.request",
    summary: "Checks the options of a request, and returns it with the permissions that it needs.",
    mode: "pure",
    arguments: () => [
      addedByModule(z.string({ error: "a method is text" })),
      addedByModule(z.string({ error: "a URL is UTF-8 text" })),
      options(),
    ],
    run(_, method, url, given) {
      const made = requestOf(method, url, given);
      return asLua({ request: made, needs: needsOf(made) });
    },
  }),
  defineOperation({
    name: "http_client.request",
    summary: "Checks the options of a request for which nothing is asked, and sends it.",
    mode: "async",
    arguments: () => [
      addedByModule(z.string({ error: "a method is text" })),
      addedByModule(z.string({ error: "a URL is UTF-8 text" })),
      options(),
      body(),
    ],
    quick: ([method, url, given, content]) =>
      typeof method === "string" && typeof url === "string" && isPlain(given) &&
      (content === undefined || typeof content === "string" || content instanceof Uint8Array),
    run: (context, method, url, given, content) =>
      send(context, requestOf(method, url, given), content, undefined),
  }),
  defineOperation({
    name: "http_client.send",
    summary: "Sends a request. Returns the response, or the permissions that are lacking.",
    mode: "async",
    arguments: () => [request(), body(), granted()],
    run: (context, wanted, content, given) => send(context, wanted, content, given),
  }),
  defineOperation({
    name: "http_client.send_all",
    summary: "Sends requests at the same time. Returns for each what `send` does, or its error.",
    mode: "async",
    arguments: () => [luaList(sending())],
    run: async (context, all) =>
      await Promise.all(
        all.map((each) =>
          send(context, each.request, each.body, each.granted).catch((error) => {
            const failure = WippyError.from(error);
            if (failure.kind === "Canceled") throw failure;
            return { error: failure };
          })
        ),
      ),
  }),
  defineOperation({
    name: "http_client.upload",
    summary: "Begins a request whose body is written while it is sent.",
    mode: "async",
    arguments: () => [request(), granted()],
    async run(context, wanted, given) {
      const { exchange, lacks } = await import("./exchange.ts");
      const { Upload } = await import("./body.ts");
      const place = placeOf(context, given);
      const needs = await lacks(wanted, place);
      if (needs.length > 0) return asLua({ needs, request: wanted });
      const upload = new Upload();
      const id = context.resources.add(upload);
      const signal = AbortSignal.any([context.signal, upload.signal]);
      upload.sentBy(exchange(wanted, upload.content, { ...place, signal }));
      return { upload: id };
    },
  }),
  defineOperation({
    name: "http_client.upload_write",
    summary: "Sends a part of a body. Returns false when the request has ended.",
    mode: "async",
    arguments: () => [handle(), luaString()],
    async run({ resources }, id, part) {
      const { Upload } = await import("./body.ts");
      return await resources.get(id, Upload).write(bytesOf(part));
    },
  }),
  defineOperation({
    name: "http_client.upload_finish",
    summary: "Ends a body. Returns what `send` does.",
    mode: "async",
    arguments: () => [handle()],
    async run({ resources }, id) {
      const { Upload } = await import("./body.ts");
      const upload = resources.get(id, Upload);
      try {
        return answer(await upload.finish() as Outcome);
      } finally {
        resources.remove(id);
      }
    },
  }),
  defineOperation({
    name: "http_client.read",
    summary: "Bytes of a streamed response, none at its end.",
    mode: "async",
    arguments: () => [handle(), z.int().positive()],
    async run({ resources }, id, size) {
      const { ResponseBody } = await import("./body.ts");
      return await resources.get(id, ResponseBody).read(size);
    },
  }),
  defineOperation({
    name: "http_client.close",
    summary: "Ends a streamed response or body. Twice is harmless.",
    mode: "async",
    arguments: () => [handle()],
    async run({ resources }, id) {
      await resources.remove(id)?.close();
      return true;
    },
  }),
];
