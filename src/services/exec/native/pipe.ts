/**
 * Pipes from programs that are read in blocks, on demand. Pipes that Bun creates are read for as long as the program
 * fills them, which may be megabytes at a time.
 * @module
 */
import { type Pointer, ptr } from "bun:ffi";
import { fromC } from "../../../platform/c-library.ts";

/** Of Linux: AF_UNIX, SOCK_STREAM and SOCK_CLOEXEC, so that no other program gets the ends. */
const [unix, stream] = [1, 1 | 0o2000000];

/** A pipe from a program. */
export interface Pipe {
  /** The program's end: a file descriptor, to be closed here when the program has it. */
  readonly end: number;
  /** The next block; undefined at the end. */
  next(): Promise<Uint8Array | undefined>;
  /** Closes the own end. */
  close(): void;
}

let library: { socketpair(...given: (number | Pointer)[]): number } | undefined;

/** Returns two descriptors; undefined if Bun must create the pipe. */
function makePair(): [number, number] | undefined {
  if (process.platform !== "linux") return undefined;
  library ??= fromC({ socketpair: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" } });
  const ends = new Int32Array(2);
  if (library?.socketpair(unix, stream, 0, ptr(ends)) !== 0) return undefined;
  return [ends[0]!, ends[1]!];
}

/** Creates a pipe; undefined if the system does not support reading in blocks. */
export async function openPipe(): Promise<Pipe | undefined> {
  const ends = makePair();
  if (!ends) return undefined;
  const blocks: Uint8Array[] = [];
  let over = false;
  let arrived: (() => void) | undefined;
  const finish = () => {
    over = true;
    arrived?.();
  };
  const socket = await Bun.connect({
    fd: ends[0],
    socket: {
      open: (own) => void own.pause(),
      data: (own, data) => {
        own.pause();
        blocks.push(new Uint8Array(data));
        arrived?.();
      },
      end: finish,
      close: finish,
      error: finish,
    },
  });
  return {
    end: ends[1],
    async next() {
      while (blocks.length === 0 && !over) {
        const { promise, resolve } = Promise.withResolvers<void>();
        arrived = resolve;
        socket.resume();
        await promise;
      }
      arrived = undefined;
      return blocks.shift();
    },
    close: () => void socket.terminate(),
  };
}
