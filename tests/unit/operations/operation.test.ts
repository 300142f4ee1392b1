import { expect, test } from "bun:test";
import { z } from "zod";
import {
  addedByModule,
  checkArguments,
  defineOperation,
  isOneString,
  luaString,
} from "../../../src/operations/operation.ts";
import { allOperations } from "../../../src/operations/operations.ts";
import { ResourceTable } from "../../../src/operations/resources.ts";
import { WippyError } from "../../../src/vm/error.ts";
import { LuaFloat, type LuaValue } from "../../../src/vm/value.ts";

const sample = defineOperation({
  name: "sample.do",
  summary: "For tests.",
  mode: "pure",
  arguments: [luaString(), z.int(), z.boolean().optional()],
  run: () => true,
});

test("arguments that fit pass; missing ones at the end are nil", () => {
  expect(checkArguments(sample, ["a", 1])).toEqual(["a", 1, undefined]);
});

test.each([
  [[5, 1], "sample.do: argument 1: a string is expected"],
  [["a", 1.5], /^sample\.do: argument 2: /],
  [["a"], /^sample\.do: argument 2: /],
  [["a", 1, true, "more"], /^sample\.do: /],
])("%j is Invalid", (args, expected) => {
  let error: unknown;
  try {
    checkArguments(sample, args);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(WippyError);
  const { kind, message } = error as WippyError;
  expect(kind).toBe("Invalid");
  if (typeof expected === "string") expect(message).toBe(expected);
  else expect(message).toMatch(expected);
});

test("a float that is whole is a number where one is wanted, and stays a float elsewhere", () => {
  const float = new LuaFloat(2);
  expect(checkArguments(sample, ["a", float])).toEqual(["a", 2, undefined]);
  const nested = defineOperation({
    name: "sample.nested",
    summary: "For tests.",
    mode: "pure",
    arguments: [
      z.object({ list: z.array(z.int()), time: z.union([z.string(), z.number()]).optional() }),
      z.custom<LuaValue>(() => true),
    ],
    run: () => true,
  });
  const options = { list: [1, new LuaFloat(3)], time: new LuaFloat(5) };
  expect(checkArguments(nested, [options, { kept: float }]))
    .toEqual([{ list: [1, 3], time: 5 }, { kept: float }]);
  expect(() => checkArguments(sample, [float, 1])).toThrow("a string is expected");
});

test("arguments are counted as the caller of the Lua module counts them", () => {
  const method = defineOperation({
    name: "sample.method",
    summary: "For tests.",
    mode: "pure",
    arguments: [
      addedByModule(z.int({ error: "a handle is a number" })),
      luaString(),
      addedByModule(z.boolean()),
      z.object({
        mode: z.enum(["r", "w"], { error: "unknown mode" }),
        list: z.array(z.int({ error: "a number is expected" })).optional(),
        size: z.int({ error: "size is a number" }).optional(),
      }),
    ],
    run: () => true,
  });
  expect(() => checkArguments(method, [1, 2])).toThrow("sample.method: argument 1: a string");
  expect(() => checkArguments(method, [1, "a", true, { mode: "x" }]))
    .toThrow("sample.method: mode: unknown mode");
  expect(() => checkArguments(method, [1, "a", true, { mode: "r", list: [1, "x"] }]))
    .toThrow("sample.method: list[2]: a number is expected");
  expect(() => checkArguments(method, [1, "a", true, { mode: "r", size: "x" }]))
    .toThrow("sample.method: size is a number");
  expect(() => checkArguments({ ...method, calledAs: "sample:method" }, [1, 2]))
    .toThrow("sample:method: argument 1: a string");
  expect(() => checkArguments(method, ["x", "a", true, { mode: "r" }]))
    .toThrow("sample.method: a handle is a number");
});

test("what is right at first sight needs no schema", () => {
  let made = 0;
  const text = defineOperation({
    name: "sample.text",
    summary: "For tests.",
    mode: "pure",
    arguments: () => {
      made++;
      return [luaString()];
    },
    quick: isOneString,
    run: () => true,
  });
  expect(checkArguments(text, ["a"])).toEqual(["a"]);
  expect(checkArguments(text, [new Uint8Array([255])])).toEqual([new Uint8Array([255])]);
  expect(made).toBe(0);
  expect(() => checkArguments(text, ["a", 1])).toThrow("sample.text: ");
  expect(() => checkArguments(text, [1])).toThrow("sample.text: argument 1: a string is expected");
  expect(made).toBe(1);
});

test("every operation is named after its module and says what it does", () => {
  for (const { name, summary } of allOperations()) {
    expect(name).toMatch(/^[a-z][a-z0-9_]*\.[a-z0-9_]+$/);
    expect(summary).toMatch(/^[A-Z].*\.$/);
  }
});

test("what an operation says of its arguments is not the schema library's own wording", () => {
  const theirs =
    /Invalid input|Invalid option|Too (?:small|big):|Unrecognized key|, received|Invalid string/;
  const values: LuaValue[] = [undefined, true, -1, 1.5, "", "text", [], { key: 1 }];
  let refusals = 0;
  for (const operation of allOperations()) {
    for (const first of values) {
      for (const second of values) {
        try {
          checkArguments(operation, [first, second, {}, {}, {}, {}, {}, {}]);
        } catch (error) {
          refusals++;
          expect((error as WippyError).kind).toBe("Invalid");
          expect((error as WippyError).message).not.toMatch(theirs);
        }
      }
    }
  }
  expect(refusals).toBeGreaterThan(allOperations().length);
});

test("permissions are those of the security specification", () => {
  const permissions = Object.fromEntries(
    allOperations().flatMap((operation) => {
      const permission = operation.permission?.(["app:x"]);
      return permission ? [[operation.name, permission]] : [];
    }),
  );
  // What scripts have with the rights of their user: who may open all files may do all of it.
  const root = { action: "fs.get", resource: "script:root" };
  const ofScripts = [
    "io.command",
    "io.open",
    "io.open_temporary",
    "io.open_waiting",
    "os.execute",
    "os.execute_now",
    "os.remove",
    "os.rename",
    "os.tmpname",
  ];
  // Each asks again, since the right to a volume may have been taken away since it was opened.
  const ofVolumes = allOperations().map(({ name }) => name)
    .filter((name) => name.startsWith("fs.") && !name.startsWith("fs.file_"))
    .concat("loader.load_directory", "loader.load_file")
    // Archives that are read from a volume or written to one.
    .concat(
      ["add_file", "create", "entry_extract", "extract", "open"].map((name) => `archive.${name}`),
    );
  // Those of stores and databases are asked on the id of the entry, with the key or its prefix as attribute.
  const stored = Object.entries(permissions).filter(([name]) =>
    /^(?:cloudstorage|store|sql)\./.test(name)
  );
  expect(stored.length).toBeGreaterThan(5);
  for (const [name, { action, resource }] of stored) {
    expect([name, resource]).toEqual([name, "app:x"]);
    expect(action).toMatch(
      /^(?:cloudstorage\.get|store\.get|store\.info|store\.key\.(?:get|set|delete|has|list)|db\.get)$/,
    );
    delete permissions[name];
  }
  expect(permissions).toEqual({
    ...Object.fromEntries(ofScripts.map((name) => [name, root])),
    "os.getenv": { action: "env.get", resource: "app:x" },
    ...Object.fromEntries(ofVolumes.map((name) => [name, { action: "fs.get", resource: "app:x" }])),
    "env.get": { action: "env.get", resource: "app:x" },
    "env.set": { action: "env.set", resource: "app:x" },
    "templates.get": { action: "template.get", resource: "app:x" },
    "templates.render": { action: "template.get", resource: "app:x" },
  });
});

test("resources are closed last first, and one failure stops nothing", async () => {
  const closed: number[] = [];
  class Thing {
    constructor(readonly number: number) {}
    close() {
      closed.push(this.number);
      if (this.number === 2) throw new Error("stuck");
    }
  }
  class Other extends Thing {
    readonly other = true;
  }
  const table = new ResourceTable();
  const [first, second] = [
    table.add(new Thing(1)),
    table.add(new Thing(2)),
    table.add(new Thing(3)),
  ];
  expect(table.get(first, Thing).number).toBe(1);
  expect(() => table.get(first, Other)).toThrow(WippyError);
  expect(table.remove(second!)).toBeInstanceOf(Thing);
  table.add(new Thing(2));
  await table.closeAll();
  expect(closed).toEqual([2, 3, 1]);
  expect(() => table.add(new Thing(4))).toThrow("the unit has ended");
  expect(closed).toEqual([2, 3, 1, 4]);
});
