import { expect, test } from "bun:test";
import { type LogRecord, separatePrints } from "../../../src/observe/log.ts";

test("what print writes goes apart, as lines, byte by byte; the rest to the log", () => {
  const written: number[][] = [];
  const logged: LogRecord[] = [];
  const sink = separatePrints((line) => written.push([...line]), {
    log: (record) => logged.push(record),
  });
  const record: LogRecord = { level: "info", time: 0, logger: "", message: "a", fields: {} };
  sink.log({ ...record, print: "a" });
  sink.log({ ...record, print: Uint8Array.of(0, 233, 255) });
  sink.log(record);
  expect(written).toEqual([[97, 10], [0, 233, 255, 10]]);
  expect(logged).toEqual([record]);
});
