import { WippyError } from "../../../vm/error.ts";
import { patience, plain } from "../exchange.ts";
import { fileResponse } from "../files/file-response.ts";
import { lookUp, statusOf } from "../files/place.ts";
import type { Middleware, Use } from "./use.ts";

/** The header by which a client saves the response under a name. */
function attachment(name: string): string {
  const base = name.replace(/^.*[/\\]/s, "");
  const plainName = base.replace(/[^\x20-\x7e]|["\\]/g, "_");
  const encoded = encodeURIComponent(base).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const star = plainName === base ? "" : `; filename*=UTF-8''${encoded}`;
  return `attachment; filename="${plainName}"${star}`;
}

/** Texts of headers are bytes, which a function writes as UTF-8. */
function utf8(text: string): string {
  return Buffer.from(text, "latin1").toString();
}

/** Sends the file of a volume that the function names in a header, in the place of a body. */
export function sendfile({ options, context }: Use): Middleware {
  const volume = options["sendfile.fs"] ?? options["sendfile_fs"];
  return async (exchange, next) => {
    const response = await next(exchange);
    const { headers } = response;
    const given = headers.get("x-sendfile") ?? headers.get("x-file-path");
    if (given === null) return response;
    const name = headers.get("x-file-name");
    for (const header of ["x-sendfile", "x-file-path", "x-file-name"]) headers.delete(header);
    // What the function wrote itself is its response.
    if (response.body !== null || response.status !== 200) return response;
    const fault = (message: string) => {
      context.log("error", `sendfile: ${message}`);
      return plain(500, "500 Internal Server Error");
    };
    if (volume === undefined) return fault("the option sendfile.fs is missing");
    const path = utf8(given).trim();
    if (path === "" || path === "." || path === "..") return plain(400, "400 Bad Request");
    try {
      const found = await lookUp(context.volumes, volume, path);
      if (found === undefined || found.directory) return plain(404, "404 page not found");
      if (name !== null) headers.set("content-disposition", attachment(utf8(name)));
      const type = headers.get("content-type");
      exchange.limitSilence(patience);
      return await fileResponse(exchange.request, context.volumes, found, {
        headers,
        ...(type !== null && { type }),
      });
    } catch (error) {
      const failure = WippyError.from(error);
      return statusOf(failure) === 403 ? plain(403, "403 Forbidden") : fault(failure.message);
    }
  };
}
