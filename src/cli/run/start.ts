import { resolve } from "node:path";
import type { MetricsServer } from "../../admin/prometheus.ts";
import type { AdminTarget } from "../../admin/route.ts";
import type { Config } from "../../app/config.ts";
import type { Problem } from "../../app/problem.ts";
import type { Node, NodeOptions } from "../../node/node.ts";
import type { LogSink } from "../../observe/log.ts";
import { LogMemory } from "../../observe/log-memory.ts";
import type { Entry } from "../../registry/entry.ts";
import { WippyError } from "../../vm/error.ts";
import type { Console } from "../terminal/terminal.ts";
import type { SourceOptions } from "./load.ts";
import type { ServeOptions } from "./serve.ts";
import { report } from "../terminal/report.ts";
import type { LogOptions } from "./logging.ts";
import { memoryLimit } from "./memory-limit.ts";
import { Shutdown } from "./signals.ts";
import { version } from "../terminal/version.ts";

/** Flags of `wippy run`. */
export interface RunOptions extends SourceOptions, LogOptions {
  exec?: string;
  host?: string;
  workers?: number;
  state?: string;
  watch?: boolean;
  memoryLimit?: string;
  /** A debugger may attach later, over the local socket. */
  debuggable?: boolean;
  /** The program that has started this one debugs it. */
  debugger?: boolean;
  /** @default "on" */
  jit?: "off" | "on";
  /** Bytes. */
  jitMemory?: number;
}

/** A process to run with the terminal. */
export interface Task {
  entry: string;
  host: string;
  /** Bytes where they are no UTF-8. */
  args: (string | Uint8Array)[];
}

/** Everything that a start needs besides the flags. */
export interface Start {
  entries: Entry[];
  config: Config;
  modules?: Record<string, string>;
  log: LogSink;
  /** Takes what a script writes; see {@link NodeOptions}. */
  output?: NonNullable<NodeOptions["output"]>;
  /** Says where a problem of the code is that knows only its entry; absent: the code is known to be sound. */
  locate?: (problem: Problem) => Problem;
  task?: Task;
  /** The traceback of an uncaught error is shown, whatever the flags say. */
  traces?: boolean;
  /** With the admin server. */
  serve?: ServeOptions;
}

/** How long a command runs before it is worth looking into, in milliseconds: short ones are not slowed down. */
const commandGrace = 500;

/** Starts a node and waits until its task, a signal or the node itself ends it; returns the exit status. */
export async function start(console: Console, options: RunOptions, what: Start): Promise<number> {
  const logs = new LogMemory(what.log);
  const startedAt = Date.now();
  const nodeOptions: NodeOptions = {
    entries: what.entries,
    config: what.config,
    ...(what.modules === undefined ? {} : { modules: what.modules }),
    directory: console.directory,
    stateDir: resolve(console.directory, options.state ?? ".wippy"),
    inline: what.task !== undefined,
    log: logs,
    traces: what.traces || options.verbose === true || options.veryVerbose === true,
    ...(what.output && { output: what.output }),
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    memoryLimit: memoryLimit(options.memoryLimit, console),
    ...(options.jit !== "off" && {
      jit: { late: true, ...(options.jitMemory !== undefined && { most: options.jitMemory }) },
    }),
  };
  const shutdown = new Shutdown(what.log, (status) => process.exit(status));
  try {
    // Loaded here, so that a faulty application is told without starting anything.
    const { Node } = await import("../../node/node.ts");
    const node = await Node.start(nodeOptions);
    let unwatch = () => {};
    let closeSocket: (() => Promise<void>) | undefined;
    let closeServer: (() => Promise<void>) | undefined;
    let metrics: MetricsServer | undefined;
    const ended = Promise.withResolvers<number>();
    let status: number;
    try {
      if (what.locate) {
        report(console, (await node.faultsOfStart(what.task?.entry)).map(what.locate));
      }
      if (options.debugger) {
        const { waitForDebugger } = await import("../debug/channel.ts");
        await waitForDebugger(await node.debugger());
      }
      await node.launch();
      if (options.watch) {
        const { watchSources } = await import("./reload.ts");
        unwatch = watchSources(console, options, node);
      }
      const target: AdminTarget = {
        node,
        logs,
        version,
        directory: console.directory,
        startedAt,
        config: what.config.sections,
        ...(options.debuggable && { debuggable: {} }),
        stop: () => ended.resolve(0),
      };
      closeSocket = openControl(
        target,
        nodeOptions.stateDir,
        what.task === undefined ? 0 : commandGrace,
      );
      if (what.serve) {
        const { openServer } = await import("./serve.ts");
        closeServer = openServer(console, target, nodeOptions.stateDir, what.serve);
      }
      if (what.config.boolean("prometheus.enabled")) {
        const { servePrometheus } = await import("../../admin/prometheus.ts");
        metrics = servePrometheus(target);
      }
      logs.log({
        level: "info",
        time: Date.now(),
        logger: "runtime",
        message: "runtime ready",
        fields: { entries: what.entries.length },
      });
      status = await follow(node, shutdown, what.task, ended.promise);
    } finally {
      unwatch();
      await Promise.all([closeSocket?.(), closeServer?.(), metrics?.close()]);
      await node.stop();
    }
    return node.askedStatus ?? status;
  } finally {
    shutdown.dispose();
  }
}

/**
 * Opens the local socket of the runtime in the background. What it needs is loaded after the start.
 *
 * @returns closes it
 */
function openControl(target: AdminTarget, stateDir: string, delay: number): () => Promise<void> {
  let closed = false;
  const started = Promise.withResolvers<void>();
  const timer = setTimeout(started.resolve, delay);
  const opening = (async () => {
    await started.promise;
    if (closed) return undefined;
    const { openLocal } = await import("../../admin/local.ts");
    return await openLocal(target, stateDir);
  })().catch((error) => {
    target.logs.log({
      level: "warn",
      time: Date.now(),
      logger: "admin",
      message: `the local socket cannot be opened: ${WippyError.from(error).message}`,
      fields: {},
    });
    return undefined;
  });
  return async () => {
    closed = true;
    clearTimeout(timer);
    started.resolve();
    await (await opening)?.close();
  };
}

/** Waits until the command, the runtime or a signal ends the run; returns the exit status. */
async function follow(
  node: Node,
  shutdown: Shutdown,
  task: Task | undefined,
  stopped: Promise<number>,
): Promise<number> {
  if (task === undefined) {
    return await Promise.race([node.done, stopped, shutdown.requested.then(() => 0)]);
  }
  const ended = node.runTerminal(task.entry, task.args, task.host);
  const interrupted = Promise.race([shutdown.requested, stopped]).then(() => undefined);
  const status = await Promise.race([ended, node.done, interrupted]);
  if (status !== undefined) return status;
  // The process hears of the end and may still say how it ended.
  return await Promise.race([ended, node.stop().then(() => 0)]);
}
