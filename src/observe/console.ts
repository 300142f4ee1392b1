import { oneLine, withControls } from "./clean.ts";
import { toJson } from "./json.ts";
import type { LogLevel, LogRecord, LogSink } from "./log.ts";

/** Where the text of a log goes. */
export type Write = (text: string) => void;

/** The fields of a record in JSON, behind a separator; nothing where there are none. */
export function fieldsText({ fields }: Pick<LogRecord, "fields">, separator: string): string {
  return Object.keys(fields).length === 0 ? "" : separator + oneLine(toJson(fields));
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}

function localTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  const time = [two(date.getHours()), two(date.getMinutes()), two(date.getSeconds())].join(":");
  return `${day} ${time}`;
}

/** Lines of tab-separated parts: local time, level, logger, message, fields as JSON. */
export function createPlainSink(write: Write): LogSink {
  return {
    log(record) {
      const parts = [localTime(record.time), record.level.toUpperCase(), oneLine(record.logger)];
      write(`${parts.join("\t")}\t${oneLine(record.message)}${fieldsText(record, "\t")}\n`);
    },
  };
}

const levelColour: Readonly<Record<LogLevel, number>> = {
  debug: 35,
  info: 34,
  warn: 33,
  error: 31,
};
const nameColours = [32, 33, 34, 35, 36, 92, 93, 94, 95, 96];

function paint(colour: number, text: string): string {
  return `\x1b[${colour}m${text}\x1b[0m`;
}

function nameColour(name: string): number {
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)!) >>> 0;
  return nameColours[hash % nameColours.length]!;
}

/**
 * Lines for people: seconds since the start, level, logger, message, fields as JSON.
 *
 * @param start milliseconds since the epoch
 * @param colour whether the terminal shows colours
 */
export function createConsoleSink(
  write: (text: string | Uint8Array) => void,
  start: number,
  colour: boolean,
): LogSink {
  return {
    log(record) {
      const seconds = `${((record.time - start) / 1000).toFixed(2).padStart(6)}s`;
      const level = record.level.toUpperCase().padEnd(5);
      const name = oneLine(record.logger).padEnd(12);
      const painted = colour
        ? [paint(levelColour[record.level], level), paint(nameColour(record.logger), name)]
        : [level, name];
      const line = `${seconds} ${painted.join(" ")} ${oneLine(record.message)}` +
        `${fieldsText(record, " ")}\n`;
      write(colour ? withControls(line) : line);
    },
  };
}

/** The time with milliseconds and offset, as `2024-05-01T10:00:00.000Z`. */
function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** One JSON object a line: `level`, `ts`, `logger`, `msg`, then the fields. */
export function createJsonSink(write: Write): LogSink {
  return {
    log(record) {
      const { level, time, logger, message, fields } = record;
      const own = { level, ts: isoTime(time), logger, msg: message };
      // First for readers, last so that no field takes their place.
      write(`${oneLine(toJson({ ...own, ...fields, ...own }))}\n`);
    },
  };
}
