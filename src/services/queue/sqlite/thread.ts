/**
 * Entry of the thread of the file of a `queue.driver.sqlite`: the first message opens it, the others are batches.
 * @module
 */
import { WippyError } from "../../../vm/error.ts";
import type { Command, Reply } from "./commands.ts";
import { QueueDatabase } from "./database.ts";

declare const self: {
  onmessage: (event: { data: { path: string } | Command[] | "close" }) => void;
};
declare function postMessage(data: Reply): void;

let database: QueueDatabase | undefined;

function answer(data: { path: string } | Command[]): Reply {
  try {
    if (Array.isArray(data)) return { outcomes: database!.run(data) };
    database = new QueueDatabase(data.path);
    return { opened: database.contents };
  } catch (error) {
    return { failure: WippyError.from(error).toJSON() };
  }
}

self.onmessage = ({ data }) => {
  if (data !== "close") {
    postMessage(answer(data));
    return;
  }
  database?.close();
  postMessage("closed");
};
