import { describe, expect, test } from "bun:test";
import { decodeEntry } from "../../../src/registry/decode.ts";
import { duration, parseDuration } from "../../../src/registry/duration.ts";
import { functionLua, processLua } from "../../../src/registry/kinds/lua.ts";
import { fsDirectory } from "../../../src/registry/kinds/fs-directory.ts";
import { processHost } from "../../../src/services/process-host/process-host.ts";
import { processService } from "../../../src/services/process-service/process-service.ts";
import { workflowHost } from "../../../src/services/workflow-host/workflow-host.ts";
import { resolvePlaceholders, type Variables } from "../../../src/registry/placeholder.ts";
import { nearest } from "../../../src/registry/suggestion.ts";

const variables: Variables = {
  has: (name) => name === "SET" || name === "NUMBER",
  lookup: (name) => ({ SET: "value", NUMBER: "42" })[name],
};

function entry(kind: string, data: Record<string, unknown>) {
  return { id: "app:x", kind, meta: {}, data };
}

describe("pools", () => {
  const pool = (fields: Record<string, unknown> | undefined) =>
    decodeEntry(
      functionLua,
      entry("function.lua", { source: "x", method: "run", pool: fields }),
      variables,
    ).pool;
  const cases: [Record<string, unknown> | undefined, ReturnType<typeof pool>][] = [
    [undefined, { type: "lazy", workers: 16, buffer: 0 }],
    [{}, { type: "lazy", workers: 16, buffer: 0 }],
    [{ max_size: 3, size: 9 }, { type: "lazy", workers: 3, buffer: 0 }],
    [{ workers: 4 }, { type: "static", workers: 4, buffer: 256 }],
    [{ size: 5 }, { type: "static", workers: 5, buffer: 320 }],
    [{ type: "static" }, { type: "static", workers: 8, buffer: 512 }],
    [{ type: "static", workers: 2, size: 9, buffer: 7 }, {
      type: "static",
      workers: 2,
      buffer: 7,
    }],
    [{ type: "inline", workers: 9 }, { type: "inline", workers: 1, buffer: 0 }],
    [{ type: "lazy", max_size: 2 }, { type: "lazy", workers: 2, buffer: 0 }],
    [{ type: "adaptive" }, { type: "adaptive", workers: 16, buffer: 1024 }],
  ];
  for (const [fields, expected] of cases) {
    test(JSON.stringify(fields ?? "none"), () => expect(pool(fields)).toEqual(expected));
  }
});

test("the duration 0 needs neither unit nor quotes; other numbers have no unit", () => {
  for (const given of [0, "0", "0s"]) {
    expect(duration(5).parse(given)).toBe(5);
  }
  expect(duration(5).parse(undefined)).toBe(5);
  for (const given of [5, -1, true, null, "5", "-1s"]) {
    expect(duration(5).safeParse(given).success).toBe(false);
  }
});

test("a host's zero sizes and absent fields give the defaults", () => {
  const { host, lifecycle } = decodeEntry(
    processHost,
    entry("process.host", {
      host: { workers: 3, queue_size: 0 },
      lifecycle: { restart: { jitter: -1, initial_delay: "0s", max_delay: "2m" } },
    }),
    variables,
  );
  expect(host).toEqual({
    workers: 3,
    queue_size: 1024,
    local_queue_size: 256,
    max_processes: undefined,
    max_mailbox: undefined,
    max_message_size: undefined,
  });
  expect(lifecycle).toEqual({
    auto_start: false,
    startup: "required",
    start_timeout: 10_000,
    stop_timeout: 10_000,
    stable_threshold: 5_000,
    requires: [],
    depends_on: [],
    restart: {
      initial_delay: 1_000,
      max_delay: 120_000,
      backoff_factor: 2,
      jitter: 0,
      max_attempts: 0,
    },
  });
});

test("defaults of a workflow host, a process and a directory", () => {
  const host = decodeEntry(workflowHost, entry("workflow.host", {}), variables);
  expect([host.journal, host.retention]).toEqual([".wippy/journal.db", undefined]);
  const process = decodeEntry(processLua, entry("process.lua", { source: "x" }), variables);
  expect(process).toEqual({ source: "x", method: "main", modules: [], imports: {} });
  const directory = decodeEntry(fsDirectory, entry("fs.directory", { directory: "d" }), variables);
  expect(directory).toEqual({ directory: "d", auto_init: false, mode: 0o755 });
});

test("everything that is wrong is in one error", () => {
  expect(() => decodeEntry(processService, entry("process.service", { input: 5 }), variables))
    .toThrow(
      "invalid configuration of app:x: process is required; host is required; " +
        "input must be a list, not 5",
    );
});

describe("durations", () => {
  const cases: [string, number | undefined][] = [
    ["300ms", 300],
    ["1.5s", 1_500],
    ["2h45m", 9_900_000],
    ["1h0.5m", 3_630_000],
    ["10us", 0.01],
    ["3µs", 0.003],
    ["-1s", -1_000],
    ["0", 0],
    [".5s", 500],
    ["", undefined],
    ["5", undefined],
    ["5 s", undefined],
    ["s", undefined],
    ["1d", undefined],
    ["1.2.3s", undefined],
  ];
  for (const [text, milliseconds] of cases) {
    test(JSON.stringify(text), () => expect(parseDuration(text)).toBe(milliseconds!));
  }

  test("as a field: zero is the default, less is a fault", () => {
    const field = duration(7);
    expect([field.parse("2s"), field.parse("0s"), field.parse(undefined)]).toEqual([2_000, 7, 7]);
    expect(field.safeParse("-1s").success).toBe(false);
  });
});

describe("placeholders", () => {
  const resolve = (data: Record<string, unknown>) => resolvePlaceholders(data, "app", variables);
  const cases: [unknown, unknown][] = [
    ["${env:SET}", "value"],
    ["a ${env:SET} b ${env:SET}", "a value b value"],
    ["${env:NUMBER}", 42],
    ["${env:NUMBER|8}", 42],
    ["${env:NUMBER|text}", "42"],
    ["${env:SET|8}", "value"],
    ["n${env:NUMBER}", "n42"],
    ["${GONE|1.5}", 1.5],
    ["${GONE|true}", true],
    ["${env:GONE|}", ""],
    ["${env:a.b:c|x}", "x"],
    ["${SET}", "${SET}"],
    ["${lower|x}", "${lower|x}"],
    ["$${env:SET}", "${env:SET}"],
    [["${env:SET}", { deep: "${env:SET}" }], ["value", { deep: "value" }]],
    [5, 5],
  ];
  for (const [raw, expected] of cases) {
    test(JSON.stringify(raw), () => {
      expect(resolve({ field: raw })).toMatchObject({ data: { field: expected }, faults: [] });
    });
  }

  test("the source of code is left alone", () => {
    expect(resolve({ source: "return '${env:SET}'" }).data).toEqual({
      source: "return '${env:SET}'",
    });
  });

  test("a companion field_env gives the field its value, if the variable has one", () => {
    expect(resolve({ a: 1, a_env: "SET", b: 1, b_env: "GONE" }).data).toMatchObject({
      a: "value",
      b: 1,
    });
  });

  test("digits are text where text is wanted", () => {
    const decoded = decodeEntry(
      fsDirectory,
      entry("fs.directory", { directory: "${env:NUMBER}" }),
      variables,
    );
    expect(decoded.directory).toBe("42");
  });
});

test("the nearest name", () => {
  const names = ["function.lua", "library.lua", "process.lua"];
  expect(nearest("functon.lua", names)).toBe("function.lua");
  expect(nearest("fucntion.lua", names)).toBe("function.lua");
  expect(nearest("LIBRARY.lua", names)).toBe("library.lua");
  expect(nearest("something", names)).toBeUndefined();
  expect(nearest("x", ["y", "ab"])).toBe("y");
});
