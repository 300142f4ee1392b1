/**
 * The local socket of a runtime: a file in its state folder that only its owner may use. Whoever can open it is the
 * owner of the runtime, and so may do everything.
 * @module
 */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { WippyError } from "../vm/error.ts";

/** How long open requests may take when the socket closes, in milliseconds. */
const closeGrace = 300;

/** Largest body of a request, in bytes. */
export const largestBody = 4 * 1024 * 1024;

/** Longest path that every system's sockets take, in bytes. */
const longestPath = 100;

/**
 * The socket's path for a state folder: inside of it; where that is too long for the operating system, in a folder of
 * this user in the system's folder for temporary files.
 */
export function socketPath(stateDir: string): string {
  const inside = join(stateDir, "control.sock");
  if (Buffer.byteLength(inside) <= longestPath) return inside;
  const hash = createHash("sha256").update(stateDir).digest("hex").slice(0, 24);
  return join(tmpdir(), `wippy-${userInfo().uid}`, `${hash}.sock`);
}

/** What the system says when nobody listens at a socket. */
const absent: ReadonlySet<unknown> = new Set(["ENOENT", "ECONNREFUSED"]);

/**
 * Asks over the socket of a state folder, and waits for the answer however long it takes.
 *
 * @throws WippyError Unavailable when no runtime is there; Internal when the connection breaks
 */
export async function askSocket(
  stateDir: string,
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const unix = socketPath(stateDir);
  try {
    // Bun's own limit would end a wait for the result of a long run.
    return await fetch(`http://wippy${path}`, { ...init, unix, timeout: false } as RequestInit);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (!absent.has(code)) {
      throw new WippyError("Internal", `the connection to the runtime broke: ${message}`, {
        retryable: true,
        cause: error,
      });
    }
    throw new WippyError("Unavailable", `no runtime answers at ${unix}`, {
      retryable: true,
      cause: error,
    });
  }
}

/** Makes a folder that only this user may enter. @throws WippyError PermissionDenied when it is another's */
function ownFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(path);
  if (uid === userInfo().uid && (mode & 0o077) === 0) return;
  throw new WippyError("PermissionDenied", `${path} can be entered by others; remove it`, {
    retryable: false,
  });
}

/** Whether the socket of a state folder is this user's, and nobody else may open it. */
export function isPrivate(stateDir: string): boolean {
  // There the folders of a user keep others out, and files have no mode.
  if (process.platform === "win32") return true;
  const found = lstatSync(socketPath(stateDir), { throwIfNoEntry: false });
  return found !== undefined && found.uid === userInfo().uid && (found.mode & 0o077) === 0;
}

/** A socket that is open. */
export interface OpenSocket {
  path: string;
  close(): Promise<void>;
}

/**
 * Answers requests at the socket of a state folder.
 *
 * @returns undefined when another runtime lives there, whose socket it stays
 */
export async function openSocket(
  stateDir: string,
  answer: (request: Request) => Response | Promise<Response>,
): Promise<OpenSocket | undefined> {
  const unix = socketPath(stateDir);
  if (unix.startsWith(stateDir)) mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  else ownFolder(join(unix, ".."));
  if (existsSync(unix)) {
    const alive = await askSocket(stateDir, "/api/v1/status", { signal: AbortSignal.timeout(2000) })
      .then(() => true, (error) => (error as Error).name === "TimeoutError");
    if (alive) return undefined;
    rmSync(unix);
  }
  // Made without rights for others, so that there is no moment in which they could open it.
  const before = process.umask(0o177);
  try {
    const server = Bun.serve({
      unix,
      fetch: answer,
      maxRequestBodySize: largestBody,
      // Only the owner can connect, and may wait for a result for as long as it takes. Bun's types lack the option for
      // sockets, and its `server.timeout` has no effect on them.
      ...({ idleTimeout: 0 } as object),
    });
    chmodSync(unix, 0o600);
    return {
      path: unix,
      close: async () => {
        // The answer to the request that ends the runtime has to leave.
        await Promise.race([server.stop(), Bun.sleep(closeGrace)]);
        await server.stop(true);
        rmSync(unix, { force: true });
      },
    };
  } finally {
    process.umask(before);
  }
}
