import { WippyError } from "../../../vm/error.ts";
import { asLua } from "../../../vm/value.ts";
import { tokenStoreOf } from "../../tokens.ts";
import type { Exchange } from "../exchange.ts";
import type { Middleware, Use } from "./use.ts";

/** The value of a cookie. */
function cookieOf(request: Request, name: string): string | undefined {
  for (const pair of (request.headers.get("cookie") ?? "").split(";")) {
    const at = pair.indexOf("=");
    if (at < 0 || pair.slice(0, at).trim() !== name) continue;
    return pair.slice(at + 1).trim().replace(/^"(.*)"$/, "$1");
  }
  return undefined;
}

/**
 * Gives a request the identity of its token. One without a token, or with one that is not valid, goes on with the
 * identity of the server: firewalls decide what that may.
 */
export function tokenAuth({ options, context }: Use): Middleware {
  const store = options["token_auth.store"] ?? "";
  const header = options["token_auth.header.name"] || "Authorization";
  const prefix = options["token_auth.header.prefix"] ?? "Bearer ";
  const parameter = options["token_auth.query.param"] || "x-auth-token";
  const cookie = options["token_auth.cookie.name"] || "x-auth-token";
  const tokenOf = ({ request, url }: Exchange): string | undefined => {
    const given = request.headers.get(header);
    const ofHeader = given?.startsWith(prefix) ? given.slice(prefix.length).trim() : undefined;
    return ofHeader || url.searchParams.get(parameter) || cookieOf(request, cookie);
  };
  return async (exchange, next) => {
    const token = tokenOf(exchange);
    if (token) {
      try {
        const tokens = tokenStoreOf(context, store, exchange.request.signal);
        const { actor, scope } = await tokens.validate(token);
        exchange.frame = { ...exchange.frame, actor: asLua(actor), scope: asLua(scope) };
      } catch (error) {
        const failure = WippyError.from(error);
        const known = failure.message === "token not found" ||
          failure.message === "invalid token format";
        if (!known) context.log("error", `token_auth: ${failure.message}`);
      }
    }
    return await next(exchange);
  };
}
