import type { LogRecord, LogSink } from "../observe/log.ts";
import type { Entry } from "../registry/entry.ts";

/** A line of code as Lua's messages and tracebacks name it: `ns:name:LINE`. */
const place = /([^\s:<('"]+:[^\s:<>'"()]+):(\d+)(?=[:>)\s]|$)/g;

/**
 * Replaces each `ns:name:LINE` of an entry whose source is a file by the path and line of that file, which is what
 * people open. Places of other entries stay.
 */
export function inFiles(text: string, entries: ReadonlyMap<string, Entry>): string {
  return text.replace(place, (whole, id: string, line: string) => {
    const source = entries.get(id)?.origin?.source;
    return source ? `${source.file}:${source.line + Number(line) - 1}` : whole;
  });
}

const tailCalls = "(...tail calls...)";

/** The program's frames in a stack of Lua, innermost first: without those of the runtime and of C functions. */
export function framesOf(stack: string): string[] {
  const lines = stack.split("\n").map((line) => line.trim());
  const frames = lines.flatMap((line, i) => {
    if (line === "" || /^(stack traceback:|lua\/|\[C\]:)/.test(line)) return [];
    // The name by which the runtime calls a function is nothing to the program.
    return lines[i + 1]?.startsWith("lua/") ? line.replace(/ in \w+ '.*'$/, " in function") : line;
  });
  while (frames.at(-1) === tailCalls) frames.pop();
  return frames;
}

/** Gives records to a sink with files in the errors and stacks that they report, which come last. */
export function withFiles(sink: LogSink, entries: ReadonlyMap<string, Entry>): LogSink {
  const readable = (record: LogRecord): LogRecord => {
    const { error, reason, stack, ...others } = record.fields;
    const fields: Record<string, unknown> = others;
    for (const [name, value] of Object.entries({ reason, error })) {
      if (value === undefined) continue;
      fields[name] = typeof value === "string" ? inFiles(value, entries) : value;
    }
    if (typeof stack === "string") fields["stack"] = inFiles(framesOf(stack).join("\n"), entries);
    else if (stack !== undefined) fields["stack"] = stack;
    return { ...record, fields };
  };
  return {
    log(record) {
      const { error, stack, reason } = record.fields;
      const reports = error !== undefined || stack !== undefined || reason !== undefined;
      sink.log(reports ? readable(record) : record);
    },
  };
}
