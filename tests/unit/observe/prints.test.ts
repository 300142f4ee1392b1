import { expect, test } from "bun:test";
import { type LogRecord, separatePrints } from "../../../src/observe/log.ts";

test("what print writes goes apart, as lines; the rest to the log", () => {
  const written: string[] = [];
  const logged: LogRecord[] = [];
  const sink = separatePrints((text) => written.push(text), {
    log: (record) => logged.push(record),
  });
  const record: LogRecord = { level: "info", time: 0, logger: "", message: "a", fields: {} };
  sink.log({ ...record, print: true });
  sink.log(record);
  expect(written).toEqual(["a\n"]);
  expect(logged).toEqual([record]);
});
