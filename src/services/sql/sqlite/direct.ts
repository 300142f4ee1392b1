import { receiveMessageOnPort } from "node:worker_threads";
import type { SqliteConnection } from "./connection.ts";
import type { DirectMemory } from "../direct/memory.ts";
import { type DirectAnswer, ReplySender, unpackQueries } from "../direct/messages.ts";

/** The end of a worker's port in the thread of a connection. */
export interface DirectPort {
  onmessage: ((event: MessageEvent<Uint8Array>) => void) | null;
  postMessage(data: DirectAnswer, transfer: ArrayBuffer[]): void;
  close(): void;
}

/**
 * Answers the queries of a worker that has a port to this thread, in their order.
 *
 * @returns answers what has arrived, and says to the worker that no more is answered
 */
export function serveDirect(
  connection: Pick<SqliteConnection, "run">,
  port: DirectPort,
  memory: DirectMemory,
): () => void {
  const replies = new ReplySender();
  let number = 0;
  const take = (data: Uint8Array) => {
    // A query was stopped, which is asked between its rows.
    if (data.length === 0) return;
    for (const [sql, ...params] of unpackQueries(data)) {
      const query = number++;
      let rows: Uint8Array | undefined;
      if (memory.claim(query)) {
        const stopped = () => memory.isStopped(query);
        rows = connection.run({ kind: "query", sql, params }, stopped).rows;
        if (rows) memory.answered += 1;
      }
      replies.send(port, rows);
    }
    replies.flush(port);
  };
  port.onmessage = ({ data }) => take(data);
  return () => {
    // What was sent before is answered, also where this thread has heard of its end first.
    for (;;) {
      const left = receiveMessageOnPort(port as never) as { message: Uint8Array } | undefined;
      if (!left) break;
      take(left.message);
    }
    port.postMessage("closed", []);
    port.close();
  };
}
