/**
 * Entry of the thread of one connection to an SQLite file: the first message opens it, the others are statements.
 * @module
 */
import { WippyError } from "../../../vm/error.ts";
import { Claims } from "./claims.ts";
import { type ConnectionOptions, type Reply, SqliteConnection } from "./connection.ts";
import { DirectMemory } from "../direct/memory.ts";
import { type DirectPort, serveDirect } from "./direct.ts";
import { packReplies, unpackStatements } from "./messages.ts";

/** What the first message says. */
export interface Opening {
  options: ConnectionOptions;
  claims: Int32Array;
}

/** What the thread says: of statements the replies, packed where they are small; null for one that was taken back. */
export type Answer = Uint8Array | (Reply | null)[] | Reply | "closed";

/** Gives a worker a port to this thread, or takes it away. */
export type DirectOrder =
  | { attach: number; port: DirectPort; memory: SharedArrayBuffer }
  | { detach: number };

declare const self: {
  onmessage: (event: { data: Opening | DirectOrder | Uint8Array | "close" }) => void;
};
declare function postMessage(data: Answer, transfer?: ArrayBuffer[]): void;

/** Rows larger than that, in bytes, move to the other thread instead of being packed. */
const moved = 65_536;

let connection: SqliteConnection | undefined;
let claims: Claims | undefined;
/** What ends the ports of workers. */
const direct = new Map<number, () => void>();

function open({ options, claims: words }: Opening): Reply {
  try {
    claims = new Claims(words);
    connection = new SqliteConnection(options);
    return { inTransaction: false };
  } catch (error) {
    return { failure: WippyError.from(error).toJSON(), inTransaction: false };
  }
}

self.onmessage = ({ data }) => {
  if (data === "close") {
    for (const end of direct.values()) end();
    connection?.close();
    postMessage("closed");
  } else if (data instanceof Uint8Array) {
    const begun = performance.now();
    const replies = unpackStatements(data).map((statement, at) =>
      claims!.claim(at) ? connection!.run(statement, () => claims!.isStopped(at)) : null
    );
    claims!.took = performance.now() - begun;
    const large = replies.flatMap((reply) =>
      reply?.rows && reply.rows.length > moved ? [reply.rows.buffer as ArrayBuffer] : []
    );
    if (large.length > 0) {
      postMessage(replies, large);
      return;
    }
    const packed = packReplies(replies);
    postMessage(packed, [packed.buffer]);
  } else if ("attach" in data) {
    direct.set(data.attach, serveDirect(connection!, data.port, new DirectMemory(data.memory)));
  } else if ("detach" in data) {
    direct.get(data.detach)?.();
    direct.delete(data.detach);
  } else {
    postMessage(open(data));
  }
};
