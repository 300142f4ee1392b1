import type { Application } from "../../app/app.ts";
import { withSyntaxCheck } from "../../app/syntax-check.ts";
import type { Node } from "../../node/node.ts";
import type { NodeOptions } from "../../node/options.ts";
import { silentSink } from "../../observe/log.ts";
import type { Entry } from "../../registry/entry.ts";
import { load, type SourceOptions } from "../run/load.ts";
import { report } from "../terminal/report.ts";
import type { Console } from "../terminal/terminal.ts";

/**
 * Loads an application for replays: its code on one worker in this thread, without services, hosts,
 * logs or a journal. What is wrong with the application is reported. Stop the node afterwards.
 * @throws {WippyError} for an application that cannot be loaded
 */
export async function startReplayNode(
  console: Console,
  source: SourceOptions,
  options: Pick<NodeOptions, "output"> = {},
): Promise<{ node: Node; entries: Entry[] }> {
  const application = await withSyntaxCheck((check) => load(console, source, check));
  report(console, application.problems);
  return { node: await replayNode(application, options), entries: application.entries };
}

/** The same for an application that is loaded and sound. */
export async function replayNode(
  { entries, config, directory }: Pick<Application, "entries" | "config" | "directory">,
  options: Pick<NodeOptions, "output" | "jit"> = {},
): Promise<Node> {
  const { Node } = await import("../../node/node.ts");
  const node = await Node.start({
    entries,
    config,
    directory,
    stateDir: directory,
    workers: 1,
    inline: true,
    log: silentSink,
    ...options,
  });
  node.stubHosts();
  return node;
}
