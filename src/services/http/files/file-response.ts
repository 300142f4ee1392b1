/**
 * A file as the response to a request: conditions, parts, compressed variants beside it, and a body that is read while
 * the client takes it.
 * @module
 */
import type { FileHandle } from "node:fs/promises";
import { openHandle } from "../../../operations/fs/open-file.ts";
import type { VolumeSource } from "../../../operations/fs/volume.ts";
import { markStreamed, plain } from "../exchange.ts";
import { conditionOf, rangeApplies, type Validators } from "./conditions.ts";
import { type Found, lookUp } from "./place.ts";
import { type Range, rangesOf } from "./ranges.ts";

/** Bodies up to this size are read at once. */
const inlineSize = 64 * 1024;
/** Bytes that are read when the client wants more. */
const chunkSize = 256 * 1024;

/** Codings of files that stand beside the plain one, the best first. */
const variants = [["br", ".br"], ["zstd", ".zst"], ["gzip", ".gz"]] as const;

/** What a response says beside the file. */
export interface FileOptions {
  /** Of the response, in the place of what the name's end says. */
  type?: string;
  /** Further headers. */
  headers?: Headers;
}

/** The type that the end of a name stands for. */
function typeOf(path: string): string {
  const [type = ""] = Bun.file(path).type.split(";");
  return type.startsWith("text/") ? `${type}; charset=utf-8` : type;
}

/** Whether a header `Accept-Encoding` accepts a coding by its name. */
function accepts(header: string | null, coding: string): boolean {
  return (header ?? "").split(",").some((item) => {
    const [name = "", ...rest] = item.split(";").map((part) => part.trim().toLowerCase());
    return name === coding && !rest.some((part) => /^q=0(?:\.0*)?$/.test(part));
  });
}

function validatorsOf({ size, modified }: Found, coding?: string): Validators {
  const tag = `${Math.floor(modified * 1000).toString(16)}-${size.toString(16)}`;
  return { etag: `"${tag}${coding === undefined ? "" : `-${coding}`}"`, modified };
}

/** The compressed file beside this one that the client prefers, unless the plain one is newer. */
async function variantOf(
  request: Request,
  source: VolumeSource,
  found: Found,
): Promise<{ found: Found; coding: string } | undefined> {
  const header = request.headers.get("accept-encoding");
  for (const [coding, end] of variants) {
    if (!accepts(header, coding)) continue;
    const { volume, path } = found.place;
    const other = await lookUp(source, volume.id, path + end);
    if (other && !other.directory && other.modified >= found.modified) {
      return { found: other, coding };
    }
  }
  return undefined;
}

/** What a body is made of: bytes that are there, and parts of the file. */
type Piece = Uint8Array | Range;

/** Reads a part of a file, all of it. @throws Error when the file has become shorter */
async function readPart(handle: FileHandle, { from, length }: Range): Promise<Uint8Array> {
  const part = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(part, done, length - done, from + done);
    if (bytesRead === 0) throw new Error("the file has become shorter");
    done += bytesRead;
  }
  return part;
}

/** Sends pieces one after the other, and closes the file however that ends. */
function streamOf(handle: FileHandle, pieces: Piece[], signal: AbortSignal): ReadableStream {
  let open = true;
  const close = async () => {
    if (!open) return;
    open = false;
    signal.removeEventListener("abort", leave);
    await handle.close();
  };
  const leave = () => void close();
  signal.addEventListener("abort", leave, { once: true });
  if (signal.aborted) leave();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const piece = pieces.shift();
        if (piece === undefined) {
          await close();
          controller.close();
        } else if (piece instanceof Uint8Array) {
          controller.enqueue(piece);
        } else {
          const length = Math.min(chunkSize, piece.length);
          const part = await readPart(handle, { from: piece.from, length });
          if (length < piece.length) {
            pieces.unshift({ from: piece.from + length, length: piece.length - length });
          }
          controller.enqueue(part);
        }
      } catch (error) {
        await close();
        controller.error(error);
      }
    },
    cancel: close,
  }, { highWaterMark: 0 });
}

async function bodyOf(
  handle: FileHandle,
  pieces: Piece[],
  length: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | ReadableStream> {
  if (length > inlineSize) return streamOf(handle, pieces, signal);
  try {
    const parts: Uint8Array[] = [];
    for (const piece of pieces) {
      parts.push(piece instanceof Uint8Array ? piece : await readPart(handle, piece));
    }
    return new Uint8Array(Buffer.concat(parts));
  } finally {
    await handle.close();
  }
}

/** The parts of a response with several ranges, and its type. */
function multipart(ranges: Range[], size: number, type: string): { pieces: Piece[]; type: string } {
  const boundary = crypto.randomUUID().replaceAll("-", "");
  const pieces = ranges.flatMap((range, index): Piece[] => {
    const last = range.from + range.length - 1;
    const head = `${index === 0 ? "" : "\r\n"}--${boundary}\r\n` +
      `Content-Range: bytes ${range.from}-${last}/${size}\r\nContent-Type: ${type}\r\n\r\n`;
    return [Buffer.from(head), range];
  });
  pieces.push(Buffer.from(`\r\n--${boundary}--\r\n`));
  return { pieces, type: `multipart/byteranges; boundary=${boundary}` };
}

/**
 * Responds with a file.
 *
 * @throws WippyError PermissionDenied, NotFound when it has gone meanwhile
 */
export async function fileResponse(
  request: Request,
  source: VolumeSource,
  plainFile: Found,
  options: FileOptions = {},
): Promise<Response> {
  const headers = new Headers(options.headers);
  const wanted = request.headers.get("range");
  const variant = wanted === null ? await variantOf(request, source, plainFile) : undefined;
  const found = variant?.found ?? plainFile;
  const handle = await openHandle(found.place, "r");
  let sent = false;
  try {
    const { size, mtimeMs } = await handle.stat();
    const validators = validatorsOf({ ...found, size, modified: mtimeMs }, variant?.coding);
    headers.set("etag", validators.etag);
    headers.append("vary", "Accept-Encoding");
    const condition = conditionOf(request, validators);
    if (condition !== 200) return new Response(null, { status: condition, headers });
    headers.set("last-modified", new Date(mtimeMs).toUTCString());
    headers.set("accept-ranges", "bytes");
    const type = options.type ?? typeOf(plainFile.place.path);
    headers.set("content-type", type);
    if (variant) headers.set("content-encoding", variant.coding);
    const ranges = rangeApplies(request, validators) ? rangesOf(wanted, size) : "whole";
    if (ranges === "unsatisfiable") {
      return plain(416, "invalid range", { "content-range": `bytes */${size}` });
    }
    let pieces: Piece[] = [{ from: 0, length: size }];
    if (ranges !== "whole") {
      if (ranges.length === 1) {
        const { from, length } = ranges[0]!;
        headers.set("content-range", `bytes ${from}-${from + length - 1}/${size}`);
        pieces = ranges;
      } else {
        const made = multipart(ranges, size, type);
        pieces = made.pieces;
        headers.set("content-type", made.type);
      }
    }
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    headers.set("content-length", String(length));
    const status = ranges === "whole" ? 200 : 206;
    if (request.method === "HEAD") return new Response(null, { status, headers });
    sent = true;
    const body = await bodyOf(handle, pieces, length, request.signal);
    const response = new Response(body, { status, headers });
    return body instanceof Uint8Array ? response : markStreamed(response);
  } finally {
    if (!sent) await handle.close();
  }
}
