/**
 * Entry of the thread of the file of a `queue.driver.sqlite`: the first message opens it, the others are batches.
 * @module
 */
import { WippyError } from "../../../vm/error.ts";
import type { Reply } from "./commands.ts";
import { QueueDatabase } from "./database.ts";
import { packOutcomes, unpackCommands } from "./messages.ts";

declare const self: {
  onmessage: (event: { data: { path: string } | Uint8Array | "close" }) => void;
};
declare function postMessage(data: Reply, transfer?: ArrayBuffer[]): void;

let database: QueueDatabase | undefined;

function answer(data: { path: string } | Uint8Array): Reply {
  try {
    if (data instanceof Uint8Array) {
      return packOutcomes(database!.run(unpackCommands(data)));
    }
    database = new QueueDatabase(data.path);
    return { opened: database.contents };
  } catch (error) {
    return { failure: WippyError.from(error).toJSON() };
  }
}

self.onmessage = ({ data }) => {
  if (data !== "close") {
    const reply = answer(data);
    postMessage(reply, reply instanceof Uint8Array ? [reply.buffer as ArrayBuffer] : []);
    return;
  }
  database?.close();
  postMessage("closed");
};
