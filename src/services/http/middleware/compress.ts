import { gzip } from "node:zlib";
import { promisify } from "node:util";
import { isStreamed } from "../exchange.ts";
import type { Middleware, Use } from "./use.ts";

const levels: Readonly<Record<string, number>> = { fastest: 1, default: 6, best: 9 };
const compressed = promisify(gzip);

/** Whether a list of codings accepts gzip. */
function acceptsGzip(header: string | null): boolean {
  return (header ?? "").split(",").some((item) => {
    const [coding = "", ...rest] = item.split(";").map((part) => part.trim().toLowerCase());
    return coding === "gzip" && !rest.some((part) => /^q=0(?:\.0*)?$/.test(part));
  });
}

/** Compresses bodies of a known length for who accepts it; what is written in parts goes out as it is. */
export function compress({ options }: Use): Middleware {
  const option = (name: string) =>
    options[`compress.${name}`] ?? options[name.replaceAll(".", "_")];
  const level = levels[option("level") ?? "default"] ?? levels["default"]!;
  const least = Number(option("min.length") ?? 1024);
  return async (exchange, next) => {
    const response = await next(exchange);
    const { request } = exchange;
    const skipped = isStreamed(response) || response.body === null || request.method === "HEAD" ||
      response.headers.has("content-encoding") || response.headers.has("content-range") ||
      !acceptsGzip(request.headers.get("accept-encoding"));
    if (skipped) return response;
    const bytes = await response.arrayBuffer();
    if (bytes.byteLength < least) return new Response(bytes, response);
    const body = await compressed(bytes, { level });
    const headers = new Headers(response.headers);
    headers.set("content-encoding", "gzip");
    headers.delete("content-length");
    // The tag of the plain bytes: of these it only says what they mean.
    const etag = headers.get("etag");
    if (etag?.startsWith('"')) headers.set("etag", `W/${etag}`);
    if (!/accept-encoding/i.test(headers.get("vary") ?? "")) {
      headers.append("vary", "Accept-Encoding");
    }
    return new Response(body, { status: response.status, headers });
  };
}
