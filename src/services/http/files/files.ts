/**
 * Serves the files of a volume: as they lie there, or as an application of one page.
 * @module
 */
import type { VolumeSource } from "../../../operations/fs/volume.ts";
import { WippyError } from "../../../vm/error.ts";
import { type Handler, patience, plain } from "../exchange.ts";
import { fileResponse } from "./file-response.ts";
import { listing } from "./listing.ts";
import { type Found, lookUp, statusOf } from "./place.ts";

const html = "text/html; charset=utf-8";

/** What is served, and how. */
export interface StaticFiles {
  source: VolumeSource;
  /** Identifier of the volume. */
  volume: string;
  /** Path of the server below which the files are, with a slash at its end. */
  mount: string;
  spa: boolean;
  /** The file that an application of one page has for every path that is no file. */
  index: string;
  /** `Cache-Control` of every response. */
  cache: string | undefined;
  /** Told of faults of the application: the volume, or the index of a page, is not there. */
  failed(message: string): void;
}

function notFound(): Response {
  return plain(404, "404 page not found");
}

/** A redirect whose target is relative, so that it also fits behind a proxy that serves another path. */
function redirect(location: string, search: string): Response {
  return new Response(null, { status: 301, headers: { location: location + search } });
}

/** The files as they are, with indexes and listings of directories. */
async function plainFiles(
  request: Request,
  url: URL,
  path: string,
  files: StaticFiles,
): Promise<Response> {
  if (path.endsWith("/index.html")) return redirect("./", url.search);
  const found = await lookUp(files.source, files.volume, path);
  if (found === undefined) return notFound();
  const name = url.pathname.split("/").filter((part) => part !== "").at(-1) ?? "";
  if (found.directory !== url.pathname.endsWith("/")) {
    return redirect(found.directory ? `./${name}/` : `../${name}`, url.search);
  }
  if (!found.directory) return await fileResponse(request, files.source, found);
  const index = await lookUp(files.source, files.volume, `${path}/index.html`);
  if (index && !index.directory) return await fileResponse(request, files.source, index);
  const page = request.method === "HEAD" ? null : await listing(found.place);
  return new Response(page, { headers: { "content-type": html } });
}

/** Files that are there, and the index of the application for all else. */
async function onePage(request: Request, path: string, files: StaticFiles): Promise<Response> {
  let found: Found | undefined = await lookUp(files.source, files.volume, path);
  if (found && !found.directory) return await fileResponse(request, files.source, found);
  found = await lookUp(files.source, files.volume, files.index);
  if (found && !found.directory) {
    return await fileResponse(request, files.source, found, { type: html });
  }
  files.failed(`the index ${files.index} is not in ${files.volume}`);
  return plain(500, "the index of this application is missing");
}

/** Makes the handler of these files. */
export function staticHandler(files: StaticFiles): Handler {
  const respond = async (request: Request, url: URL): Promise<Response> => {
    const path = `/${decodeURIComponent(url.pathname.slice(files.mount.length))}`;
    if (path.includes("\0")) return notFound();
    try {
      return files.spa
        ? await onePage(request, path, files)
        : await plainFiles(request, url, path, files);
    } catch (error) {
      const failure = WippyError.from(error);
      if (failure.kind === "NotFound" && failure.message.startsWith("open ")) return notFound();
      const status = statusOf(failure);
      if (status === 500) files.failed(failure.message);
      return plain(status, status === 403 ? "403 Forbidden" : "500 Internal Server Error");
    }
  };
  return async (exchange) => {
    const response = await respond(exchange.request, exchange.url);
    exchange.limitSilence(patience);
    if (files.cache !== undefined) response.headers.set("cache-control", files.cache);
    return response;
  };
}
