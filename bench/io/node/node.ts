/**
 * A runtime within the bench's own process.
 * @module
 */
import { Config } from "../../../src/app/config.ts";
import { Node } from "../../../src/node/node.ts";
import type { Entry } from "../../../src/registry/entry.ts";

/** An entry `app:NAME` without metadata. */
export function entry(name: string, kind: string, data: Record<string, unknown>): Entry {
  return { id: `app:${name}`, kind, meta: {}, data };
}

/** Starts a node with one worker thread, which keeps its files in the folder and prints errors only. */
export async function startNode(folder: string, entries: Entry[]): Promise<Node> {
  const node = await Node.start({
    entries,
    config: Config.empty,
    directory: folder,
    stateDir: folder,
    workers: 1,
    inline: false,
    log: { log: ({ level, message }) => level === "error" && console.error(message) },
  });
  await node.launch();
  return node;
}
