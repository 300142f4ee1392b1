import type { Socket } from "node:net";

const longest = 64 * 1024;

/** The error of a connection that ended too early. */
export function connectionClosed(): Error {
  return Object.assign(new Error("the connection was closed"), { code: "ECONNRESET" });
}

/** The head of an HTTP response. */
export interface Head {
  status: number;
  /** By names in lower case; repeated ones joined with `, `. */
  headers: Map<string, string>;
  /** What came after it. */
  rest: Uint8Array;
}

function parse(text: string, rest: Uint8Array): Head {
  const [first = "", ...lines] = text.split("\r\n");
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1];
  if (status === undefined) throw malformed();
  const headers = new Map<string, string>();
  for (const line of lines) {
    const at = line.indexOf(":");
    const name = line.slice(0, at).toLowerCase();
    const value = line.slice(at + 1).trim();
    headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
  }
  return { status: Number(status), headers, rest };
}

function malformed(): Error {
  return Object.assign(new Error("malformed response"), { code: "Malformed_HTTP_Response" });
}

/**
 * Reads the head of an HTTP response. The socket is paused then.
 *
 * @throws Error with a code; the signal's reason
 */
export async function readHead(socket: Socket, signal: AbortSignal): Promise<Head> {
  const done = Promise.withResolvers<Head>();
  let bytes = Buffer.alloc(0);
  const data = (part: Buffer) => {
    bytes = Buffer.concat([bytes, part]);
    const end = bytes.indexOf("\r\n\r\n");
    if (end < 0 && bytes.length <= longest) return;
    socket.pause();
    try {
      if (end < 0 || end > longest) throw malformed();
      done.resolve(parse(bytes.toString("latin1", 0, end), bytes.subarray(end + 4)));
    } catch (error) {
      done.reject(error);
    }
  };
  const failed = (error: unknown) => done.reject(error);
  const closed = () => done.reject(connectionClosed());
  const abort = () => done.reject(signal.reason);
  socket.on("data", data).on("error", failed).on("close", closed).on("end", closed);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  // A head that was read before has left it paused.
  socket.resume();
  try {
    return await done.promise;
  } finally {
    socket.off("data", data).off("error", failed).off("close", closed).off("end", closed);
    signal.removeEventListener("abort", abort);
  }
}
