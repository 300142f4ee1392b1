import { expect, test } from "bun:test";
import {
  createConsoleSink,
  createJsonSink,
  createPlainSink,
} from "../../../src/observe/console.ts";
import { toJson } from "../../../src/observe/json.ts";
import { filterLevel, levelOf, type LogRecord } from "../../../src/observe/log.ts";

const time = new Date(2024, 4, 1, 9, 8, 7, 60).getTime();
const record: LogRecord = {
  level: "warn",
  time,
  logger: "app.orders",
  message: "slow",
  fields: { ms: 12, big: 2n ** 64n },
};

function written(
  make: (write: (text: string | Uint8Array) => void) => { log(record: LogRecord): void },
): string {
  let text = "";
  const sink = make((part) => {
    text += typeof part === "string" ? part : Buffer.from(part).toString();
  });
  sink.log(record);
  sink.log({ ...record, fields: {} });
  return text;
}

test("plain lines are parted by tabs", () => {
  expect(written(createPlainSink)).toBe(
    '2024-05-01 09:08:07\tWARN\tapp.orders\tslow\t{"ms":12,"big":18446744073709551616}\n' +
      "2024-05-01 09:08:07\tWARN\tapp.orders\tslow\n",
  );
});

test("console lines begin with the seconds since the start", () => {
  expect(written((write) => createConsoleSink(write, time - 1_500, false))).toBe(
    '  1.50s WARN  app.orders   slow {"ms":12,"big":18446744073709551616}\n' +
      "  1.50s WARN  app.orders   slow\n",
  );
  expect(written((write) => createConsoleSink(write, time, true))).toContain(
    "\x1b[33mWARN \x1b[0m",
  );
});

test("JSON lines hold the fields beside the rest", () => {
  const [line] = written(createJsonSink).split("\n");
  expect(JSON.parse(line!)).toEqual({
    level: "warn",
    ts: new Date(time).toISOString(),
    logger: "app.orders",
    msg: "slow",
    ms: 12,
    big: 18446744073709552000,
  });
});

test("no field of a JSON line takes the place of the rest", () => {
  let text = "";
  createJsonSink((part) => text += part).log({ ...record, fields: { msg: "mine", x: 1 } });
  expect(Object.entries(JSON.parse(text)).map(([key]) => key)).toEqual([
    "level",
    "ts",
    "logger",
    "msg",
    "x",
  ]);
  expect(JSON.parse(text).msg).toBe("slow");
});

test("JSON of values that JSON does not know", () => {
  const loop: Record<string, unknown> = { shared: [1] };
  loop["again"] = { loop, shared: loop["shared"] };
  expect(toJson(loop)).toBe('{"shared":[1],"again":{"loop":"(cycle)","shared":[1]}}');
  expect(toJson([new Error("broken"), new Uint8Array([104, 105]), new Map([["a", 1n]])])).toBe(
    '["broken","hi",{"a":1}]',
  );
});

test("levels", () => {
  const seen: string[] = [];
  const sink = filterLevel({ log: ({ level }) => seen.push(level) }, "warn");
  for (const level of ["debug", "info", "warn", "error"] as const) sink.log({ ...record, level });
  expect(seen).toEqual(["warn", "error"]);
  expect([-5, -1, 0, 1, 2, 9].map(levelOf)).toEqual([
    "debug",
    "debug",
    "info",
    "warn",
    "error",
    "error",
  ]);
});
