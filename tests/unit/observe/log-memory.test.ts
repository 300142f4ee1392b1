import { expect, test } from "bun:test";
import { type LogLevel, silentSink } from "../../../src/observe/log.ts";
import { LogMemory } from "../../../src/observe/log-memory.ts";

function filled(size: number, count: number): LogMemory {
  const logs = new LogMemory(silentSink, size);
  const levels: LogLevel[] = ["debug", "info", "warn", "error"];
  for (let n = 1; n <= count; n++) {
    const fields = { pid: `{p|0x${n % 2}}`, n };
    logs.log({ level: levels[n % 4]!, time: n, logger: "test", message: `Line ${n}`, fields });
  }
  return logs;
}

const ids = (logs: LogMemory, query: Parameters<LogMemory["find"]>[0]) =>
  logs.find(query).map(({ id }) => id);

test("the newest records are kept, in their order, and found by what they hold", () => {
  const logs = filled(10, 25);
  expect(ids(logs, {})).toEqual([16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
  expect(ids(logs, { limit: 3 })).toEqual([23, 24, 25]);
  expect(ids(logs, { before: 20, limit: 2 })).toEqual([18, 19]);
  expect(ids(logs, { after: 23 })).toEqual([24, 25]);
  expect(ids(logs, { level: "error" })).toEqual([19, 23]);
  expect(ids(logs, { text: "LINE 21" })).toEqual([21]);
  expect(ids(logs, { text: "n=22" })).toEqual([22]);
  expect(ids(logs, { unit: "{p|0x1}" })).toEqual([17, 19, 21, 23, 25]);
  expect(ids(filled(10, 0), {})).toEqual([]);
});
