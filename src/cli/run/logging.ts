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

/** Whether a flag says something about logs, so that a command is not silent by itself. */
export function mentionsLogs(options: LogOptions): boolean {
  return [options.verbose, options.veryVerbose, options.console, options.silent].includes(true);
}

/**
 * Makes the log: by default tab-separated lines on standard error; on standard output coloured lines
 * (`-c`) or JSON (`logger.encoding`).
 *
 * @param quiet what holds where no flag says anything
 */
export function createLog(
  console: Console,
  options: LogOptions,
  config: Config,
  quiet: boolean,
): LogSink {
  if (options.silent || quiet && !mentionsLogs(options)) return silentSink;
  if (config.boolean("logmanager.propagate_downstream") === false) return silentSink;
  const debug = options.verbose || options.veryVerbose;
  const lowest = debug ? "debug" : levelOf(config.integer("logmanager.min_level") ?? 0);
  const out = (text: string) => console.out(text);
  const sink = options.console
    ? createConsoleSink(out, performance.timeOrigin, console.colour)
    : config.string("logger.encoding") === "json"
    ? createJsonSink(out)
    : createPlainSink((text) => console.err(text));
  return filterLevel(sink, lowest);
}

/** The log of a script: `print` writes to standard output, the rest is silent unless a flag says otherwise. */
export function createScriptLog(console: Console, options: LogOptions): LogSink {
  const log = createLog(console, options, Config.empty, true);
  return separatePrints((text) => console.out(text), log);
}
