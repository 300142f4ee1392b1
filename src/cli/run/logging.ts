import { Config } from "../../app/config.ts";
import { createConsoleSink, createJsonSink, createPlainSink } from "../../observe/console.ts";
import {
  filterLevel,
  levelOf,
  type LogSink,
  separatePrints,
  silentSink,
} from "../../observe/log.ts";
import type { Console } from "../terminal/terminal.ts";

/** Flags that every command takes. */
export interface LogOptions {
  verbose?: boolean;
  veryVerbose?: boolean;
  console?: boolean;
  silent?: boolean;
}

/** Whether a flag says something about logs, so that a command shows more than warnings by itself. */
export function mentionsLogs(options: LogOptions): boolean {
  return [options.verbose, options.veryVerbose, options.console, options.silent].includes(true);
}

/**
 * Makes the log: by default tab-separated lines on standard error; on standard output coloured lines
 * (`-c`) or JSON (`logger.encoding`).
 *
 * @param quiet only warnings and errors where no flag says anything, on standard error
 */
export function createLog(
  console: Console,
  options: LogOptions,
  config: Config,
  quiet: boolean,
): LogSink {
  if (options.silent || config.boolean("logmanager.propagate_downstream") === false) {
    return silentSink;
  }
  if (quiet && !mentionsLogs(options)) {
    return filterLevel(createPlainSink((text) => console.err(text)), "warn");
  }
  const debug = options.verbose || options.veryVerbose;
  const lowest = debug ? "debug" : levelOf(config.integer("logmanager.min_level") ?? 0);
  const out = (text: string | Uint8Array) => console.out(text);
  const sink = options.console
    ? createConsoleSink(out, performance.timeOrigin, console.colour)
    : config.string("logger.encoding") === "json"
    ? createJsonSink(out)
    : createPlainSink((text) => console.err(text));
  return filterLevel(sink, lowest);
}

/** The log of a script: `print` writes to standard output; warnings and errors are shown, others if a flag says so. */
export function createScriptLog(console: Console, options: LogOptions): LogSink {
  const log = createLog(console, options, Config.empty, true);
  return separatePrints((text) => console.out(text), log);
}
