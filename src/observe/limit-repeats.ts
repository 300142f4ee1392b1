import type { LogRecord, LogSink } from "./log.ts";

/** Records of one text that are written within a window, and its length in milliseconds. */
const most = 10;
const window = 10_000;

interface Open {
  count: number;
  last: LogRecord;
}

/**
 * Keeps a fault that repeats from flooding the log: of more than ten warnings or errors with the same logger and
 * message in ten seconds the further ones are counted, and the last of them is written with the count.
 *
 * @param setTimer calls back once after that many milliseconds
 */
export function limitRepeats(
  sink: LogSink,
  setTimer: (delay: number, callback: () => void) => unknown,
): LogSink {
  const windows = new Map<string, Open>();
  const close = (key: string) => {
    const { count, last } = windows.get(key)!;
    windows.delete(key);
    const more = count - most;
    if (more > 0) {
      sink.log({ ...last, message: `${last.message} ${more} more times in ${window / 1000}s` });
    }
  };
  return {
    log(record) {
      if (record.level === "debug" || record.level === "info") return sink.log(record);
      const key = `${record.logger}\n${record.message}`;
      const open = windows.get(key);
      if (!open) {
        windows.set(key, { count: 1, last: record });
        setTimer(window, () => close(key));
        return sink.log(record);
      }
      open.last = record;
      if (++open.count <= most) sink.log(record);
      else if (open.count === most + 1) {
        const message = `${record.message} again and again: counted for up to ${window / 1000}s`;
        sink.log({ ...record, message, fields: {} });
      }
    },
  };
}
