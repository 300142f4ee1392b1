import { describe, expect, test } from "bun:test";
import { Environment } from "../../../src/app/environment.ts";
import {
  chunkName,
  promptEntries,
  readUnits,
  scriptEntries,
  unitsFinder,
} from "../../../src/app/script.ts";
import { codeEntry } from "../../../src/node/code.ts";
import { decodeEntry } from "../../../src/registry/decode.ts";
import { kinds } from "../../../src/registry/kinds.ts";

const file = { text: "#!/usr/bin/env wippy\n-- comment at the end", name: "x.lua" };
const journal = "/state/journal.db";
const units = { functions: ["add"], processes: ["counter"], workflows: ["order"] };

describe("the entries around a script", () => {
  test("a plain script keeps its line numbers and may use every module", () => {
    const entries = scriptEntries(file, {
      journal,
      system: { HOME: "/home/ada", "a-b": "no name" },
    });
    expect(entries.map(({ id, kind }) => `${id} ${kind}`)).toEqual([
      "script:main process.lua",
      "script:processes process.host",
      "script:terminal terminal.host",
      "script:cwd fs.directory",
      "script:root fs.directory",
      "script:environment env.storage.os",
      "script:env.HOME env.variable",
    ]);
    const main = entries[0]!;
    expect(main.data["modules"]).toContain("json");
    const lines = String(main.data["source"]).split("\n");
    expect(lines[1]).toBe("-- comment at the end");
    expect(lines[2]).toStartWith("end)(...)");
  });

  test("each unit is an entry of its kind, with the file's lines", () => {
    const entries = scriptEntries(file, {
      units,
      journal,
      sandbox: true,
    });
    expect(entries.map(({ id, kind }) => `${id} ${kind}`)).toEqual([
      "script:main process.lua",
      "script:add function.lua",
      "script:counter process.lua",
      "script:order workflow.lua",
      "script:processes process.host",
      "script:terminal terminal.host",
      "script:workflows workflow.host",
    ]);
    for (const { data } of entries.slice(0, 4)) {
      expect(String(data["source"]).split("\n")[1]).toBe("-- comment at the end");
    }
    expect(entries.at(-1)!.data["journal"]).toBe(journal);
  });

  test("without workflows there is no journal", () => {
    const entries = scriptEntries(file, { journal, units: { ...units, workflows: [] } });
    expect(entries.map(({ kind }) => kind)).not.toContain("workflow.host");
  });

  test("are decoded as their kinds would decode them", () => {
    const environment = new Environment([], { directory: "/", system: {} });
    const entries = [
      ...scriptEntries(file, { journal, units, sandbox: true }),
      ...promptEntries({ journal, sandbox: true }),
      ...unitsFinder(file, { sandbox: true }),
    ];
    for (const entry of entries) {
      const kind = kinds.get(entry.kind)!;
      const made = decodeEntry(kind, entry, environment);
      // A copy is not known to be made by the runtime.
      expect(made).toEqual(decodeEntry(kind, { ...entry }, environment));
    }
  });

  test("hold the script's text as it is", () => {
    const text = 'print("${env:HOME} ${LANG|none}")';
    const [main] = scriptEntries({ ...file, text }, { journal });
    const environment = new Environment([], { directory: "/", system: {} });
    expect(codeEntry(main!, environment)!.source).toContain(text);
  });

  test("a name in positions fits into them and is never that of the kernel's code", () => {
    expect(chunkName("lua/kernel.lua")).toBe("./lua/kernel.lua");
    expect(chunkName(`${"very-".repeat(20)}/deep/file.lua`)).toBe("file.lua");
    expect(chunkName("bin/tool")).toBe("bin/tool");
  });
});

describe("what a script defines", () => {
  const found = { functions: {}, processes: {}, workflows: {}, main: true };

  test("is read from what its finder gives, in which an empty list is a map", () => {
    expect(readUnits({ ...found, functions: ["a", "b"] })).toEqual({
      functions: ["a", "b"],
      processes: [],
      workflows: [],
    });
  });

  const wrong: [object, string][] = [
    [{ ...found, main: false }, "defines units but no main"],
    [{ ...found, functions: ["main"] }, "functions.main: the name is taken"],
    [
      { ...found, functions: ["a"], workflows: ["a"] },
      "workflows.a and functions.a would both be script:a",
    ],
  ];
  for (const [given, message] of wrong) {
    test(message, () => {
      const read = readUnits(given);
      expect(read).toHaveProperty("fix");
      expect((read as { message: string }).message).toContain(message);
    });
  }
});
