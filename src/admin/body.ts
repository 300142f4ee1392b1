/**
 * JSON bodies of requests, whose values are for Lua code: whole numbers keep their 64 bits, and what nests
 * too deep is refused before it is parsed.
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { readForeignJson } from "../vm/json.ts";

const json = /^application\/(?:[\w.-]+\+)?json\b/i;

/** Reads a JSON body before a route does. @throws WippyError Invalid when it is not JSON */
export const exactBody: MiddlewareHandler = async (context, next) => {
  if (json.test(context.req.header("content-type") ?? "")) {
    const text = await context.req.text();
    if (text !== "") {
      const read = readForeignJson(text, "the body");
      context.req.json = <Body>() => Promise.resolve(read as Body);
    }
  }
  await next();
};
