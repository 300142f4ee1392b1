import { formatProblem, sortProblems } from "../../app/problem.ts";
import { watchDirectory } from "../../app/watch.ts";
import type { Node } from "../../node/node.ts";
import type { Change } from "../../registry/versions.ts";
import { WippyError } from "../../vm/error.ts";
import type { Console } from "../terminal/terminal.ts";
import { load, packsFolder, type SourceOptions } from "./load.ts";
import { withSyntaxCheck } from "../../app/syntax-check.ts";

type WatchOptions = SourceOptions & { state?: string };

const words = { "entry.create": "created", "entry.update": "updated", "entry.delete": "deleted" };

function summary(changes: readonly Change[]): string {
  const shown = changes.slice(0, 5).map(({ kind, entry }) => `${words[kind]} ${entry.id}`);
  const more = changes.length - shown.length;
  return shown.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** What became of the files as they are: in words, or nothing when they say what runs already. */
async function reload(console: Console, options: WatchOptions, node: Node): Promise<string> {
  const kept = "watch: no change was applied; the application runs as before\n";
  try {
    const { entries, problems } = await withSyntaxCheck((check) =>
      load(console, options, check, false, { unpackInto: packsFolder(console, options) })
    );
    const told = sortProblems(problems).map((problem) => `${formatProblem(problem)}\n`).join("");
    if (problems.some(({ severity }) => severity === "error")) return told + kept;
    const { version, changes } = await node.registry.applyAll(entries);
    return changes.length > 0 ? `${told}watch: v${version.id}: ${summary(changes)}\n` : "";
  } catch (error) {
    return `watch: ${WippyError.from(error).message}\n${kept}`;
  }
}

/** Takes changes of the application's files over into a running node. @returns what ends it */
export function watchSources(console: Console, options: WatchOptions, node: Node): () => void {
  let last = "";
  return watchDirectory(console.directory, async () => {
    const text = await reload(console, options, node);
    // Files of another kind may change at any time: what was said once is not said again.
    if (text !== last) console.err(text);
    last = text;
  });
}
