import { afterAll, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { entryOf, testServices } from "../operations/services.ts";
import { evaluate, runUnit } from "./lua-unit.ts";

const base = mkdtempSync(join(tmpdir(), "wippy-loader-"));
const data = join(base, "data");
afterAll(() => rmSync(base, { recursive: true, force: true }));
beforeEach(() => {
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data);
});

const entries = [
  entryOf("app:data", "fs.directory", { directory: "data" }),
  entryOf("app:dark", "fs.directory", { directory: "data", mode: "0300" }),
  entryOf("app:other", "registry.entry"),
];
const services = { entry: testServices(entries).entry, directory: base };

function write(files: Record<string, string>) {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(data, path)), { recursive: true });
    writeFileSync(join(data, path), text);
  }
}

/** The identifiers of entries, or `kind: message`. */
async function ids(call: string) {
  const code = `
    local entries, err = assert(loader.new("app:data")):${call}
    if err then return err:kind() .. ": " .. err:message() end
    local ids = {}
    for i, entry in ipairs(entries) do ids[i] = entry.id end
    return table.concat(ids, " ")`;
  const { value, error, logs } = await runUnit(`return { main = function() ${code} end }`, {
    services,
  });
  expect(error).toBeUndefined();
  return { value, logs: logs.map(({ level, logger, message }) => [level, logger, message]) };
}

const one = (name: string, rest = "") =>
  `namespace: n\nentries: [{ name: ${name}, kind: k${rest} }]\n`;

test.each([
  [`loader.new("app:none")`, "NotFound: volume not found: app:none"],
  [`loader.new("")`, "Invalid: empty volume id"],
  [`loader.new("app:other")`, /^Invalid: app:other is a registry\.entry entry/],
  [
    `loader.new("app:dark"):load_file("a.yaml")`,
    /^PermissionDenied: volume app:dark does not allow to read/,
  ],
])("%s is refused", async (call, message) => {
  const text = await evaluate(
    `local _, err = ${call} return err:kind() .. ": " .. err:message()`,
    { services },
  );
  if (typeof message === "string") expect(text).toBe(message);
  else expect(text).toMatch(message);
});

test("an entry comes with its meta and data, files in their places", async () => {
  write({
    "a/_index.yaml": `namespace: my.app
meta: { team: x, own: no }
entries:
  - { name: f, kind: function.lua, meta: { own: yes }, source: "file://f.lua", big: 9007199254740993, list: [1, [2]] }
  - { name: g, kind: k, data: { text: "file:///shared/t.txt" } }
`,
    "a/f.lua": "return 1",
    "shared/t.txt": "text",
  });
  const code = `return assert(assert(loader.new("app:data")):load_file("a/_index.yaml"))`;
  expect(
    JSON.parse(
      JSON.stringify(
        await evaluate(code, { services }),
        (_, value) => typeof value === "bigint" ? String(value) : value,
      ),
    ),
  ).toEqual([
    {
      id: "my.app:f",
      kind: "function.lua",
      meta: { team: "x", own: "yes" },
      data: { source: "return 1", big: "9007199254740993", list: [1, [2]] },
    },
    { id: "my.app:g", kind: "k", meta: { team: "x", own: "no" }, data: { text: "text" } },
  ]);
});

test("a directory is read in the order of paths, at any depth; the last of two counts", async () => {
  write({
    "z.json": '{ "namespace": "n", "name": "single", "kind": "k" }',
    "b/deep/x.yml": one("x"),
    "b/a.yaml": one("a"),
    "c.yaml": one("a"),
    "none.yaml": "just: text\n",
    "node_modules/m.yaml": one("m"),
    "notes.txt": one("t"),
  });
  const { value, logs } = await ids(`load_directory("/")`);
  expect(value).toBe("n:x n:a n:single");
  expect(logs).toEqual([["warn", "loader", "/c.yaml: n:a is defined twice"]]);
  expect((await ids(`load_directory("b/deep")`)).value).toBe("n:x");
});

test("what is wrong with a file is logged by a directory, and the error of a file", async () => {
  write({
    "bad.yaml": "namespace: n\nentries: [{ kind: k }, { name: fine, kind: k }]\n",
    "broken.yaml": "namespace: n\nentries: [\n",
    "good.yaml": one("good"),
    "lost.yaml": one("lost", ', source: "file://none.lua"'),
  });
  const { value, logs } = await ids(`load_directory(".")`);
  expect(value).toBe("n:good");
  expect(logs.map(([level, , message]) => `${level} ${String(message).split("\n")[0]}`)).toEqual([
    "warn bad.yaml:2:11  entry[0].name: name is required and must be a non-empty string",
    expect.stringMatching(/^warn broken\.yaml:\d/),
    expect.stringMatching(/^warn lost\.yaml:2:.*file not found: none\.lua$/),
  ]);
  for (
    const [file, message] of [
      ["bad.yaml", "Invalid: bad.yaml:2:11  entry[0].name: name is required"],
      ["broken.yaml", "Invalid: broken.yaml:"],
      ["lost.yaml", "Invalid: lost.yaml:2:"],
      ["none.yaml", "NotFound: "],
      [
        "notes.txt",
        "Invalid: /notes.txt is not a definition file; their names end in .yaml, .yml, .json",
      ],
      ["../x.yaml", "Invalid: path ../x.yaml leads out of the volume"],
    ] as const
  ) expect((await ids(`load_file("${file}")`)).value).toStartWith(message);
  write({ "text.yaml": "just: text\n" });
  expect((await ids(`load_file("text.yaml")`)).value).toBe("");
});

test("nothing leads out of the volume, and only files are read", async () => {
  writeFileSync(join(base, "secret.yaml"), one("secret"));
  writeFileSync(join(base, "secret.txt"), "secret");
  symlinkSync("../secret.yaml", join(data, "link.yaml"));
  write({ "up.yaml": one("up", ', source: "file://../secret.txt"'), "folder.yaml/x.txt": "" });
  const { value, logs } = await ids(`load_directory("/")`);
  expect(value).toBe("");
  expect(logs.map(([, , message]) => message)).toEqual([
    "path /link.yaml leads out of the volume by a link",
    expect.stringContaining("path traversal detected in file path: ../secret.txt"),
  ]);
  expect((await ids(`load_file("folder.yaml")`)).value).toBe("Invalid: /folder.yaml is not a file");
  expect((await ids(`load_directory("none")`)).value).toStartWith("NotFound: ");
  expect((await ids(`load_directory("up.yaml")`)).value).toBe(
    "Invalid: /up.yaml is not a directory",
  );
});

test.each([
  ["loader.new()", "bad argument #1 to 'new' (string expected, got no value)"],
  [
    `loader.new("app:data"):load_file(5)`,
    "bad argument #1 to 'load_file' (string expected, got number)",
  ],
  [
    `loader.new("app:data"):load_directory()`,
    "bad argument #1 to 'load_directory' (string expected, got no value)",
  ],
])("%s raises", async (code, message) => {
  expect(await evaluate(`return select(2, pcall(function() ${code} end))`, { services }))
    .toContain(message);
});
