/**
 * Entry of the thread of one connection to an SQLite file: the first message opens it, the others are jobs.
 * @module
 */
import { WippyError } from "../../../vm/error.ts";
import { type ConnectionOptions, type Job, type Reply, SqliteConnection } from "./connection.ts";

/** What the first message says. */
export interface Opening {
  options: ConnectionOptions;
  cancelled: Int32Array;
}

declare const self: { onmessage: (event: { data: Opening | Job | "close" }) => void };
declare function postMessage(data: Reply | "closed", transfer?: ArrayBuffer[]): void;

let connection: SqliteConnection | undefined;

function open({ options, cancelled }: Opening): Reply {
  try {
    connection = new SqliteConnection(options, cancelled);
    return { inTransaction: false };
  } catch (error) {
    return { failure: WippyError.from(error).toJSON(), inTransaction: false };
  }
}

self.onmessage = ({ data }) => {
  if (data === "close") {
    connection?.close();
    postMessage("closed");
    return;
  }
  const reply = "options" in data ? open(data) : connection!.run(data);
  postMessage(reply, reply.rows ? [reply.rows.buffer as ArrayBuffer] : []);
};
