/** How much a record matters; the order is the order of importance. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** One line of the log. */
export interface LogRecord {
  level: LogLevel;
  /** Milliseconds since the epoch. */
  time: number;
  /** Who speaks; names nest with dots. */
  logger: string;
  message: string;
  fields: Record<string, unknown>;
  /** What the function `print` was given, where it wrote the record: a script shows that without the rest. */
  print?: string | Uint8Array;
}

/** Takes records: a console, a file, a test. */
export interface LogSink {
  log(record: LogRecord): void;
}

const importance: Readonly<Record<LogLevel, number>> = { debug: -1, info: 0, warn: 1, error: 2 };

/** Drops every record. */
export const silentSink: LogSink = { log: () => {} };

/** The level of a number as the configuration writes it: -1 debug, 0 info, 1 warn, 2 error. */
export function levelOf(number: number): LogLevel {
  if (number <= importance.debug) return "debug";
  if (number >= importance.error) return "error";
  return number === importance.warn ? "warn" : "info";
}

/** Passes on the records of a level and above. */
export function filterLevel(sink: LogSink, lowest: LogLevel): LogSink {
  return {
    log(record) {
      if (importance[record.level] >= importance[lowest]) sink.log(record);
    },
  };
}

/** Passes what `print` writes to `write`, as lines, byte by byte; other records go to the sink. */
export function separatePrints(write: (line: Uint8Array) => void, sink: LogSink): LogSink {
  return {
    log(record) {
      if (record.print !== undefined) {
        write(Buffer.concat([Buffer.from(record.print), Buffer.from("\n")]));
      } else sink.log(record);
    },
  };
}
