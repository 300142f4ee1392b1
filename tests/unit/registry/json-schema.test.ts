import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import { parse } from "yaml";
import { root, sourceFiles } from "../../../scripts/sources.ts";
import { configKeys, configSchema } from "../../../src/app/config-schema.ts";
import { lockFileSchema } from "../../../src/app/lock.ts";
import { definitionSchema } from "../../../src/registry/json-schema.ts";
import { kinds } from "../../../src/registry/kinds.ts";

const validate = new Ajv({ strict: false, allErrors: true, logger: false }).compile(
  definitionSchema(),
);

/** What an editor would say of a file, by the places of the faults. */
function faults(text: string): string[] {
  validate(parse(text));
  const said = (validate.errors ?? []).map(({ instancePath, message }) =>
    `${instancePath} ${message}`
  );
  return said.filter((line) => !line.includes('must match "')).sort();
}

const entry = (fields: string) => `version: "1.0"\nnamespace: app\nentries:\n  - { ${fields} }\n`;

/** Places and faults of a value, by a schema. */
function faultsBy(schema: object, value: unknown): string[] {
  const check = new Ajv({ strict: false, allErrors: true, logger: false }).compile(schema);
  check(value);
  return [...new Set((check.errors ?? []).map(({ instancePath }) => instancePath))];
}

describe("the schema of wippy.lock", () => {
  test("finds nothing in the files of the examples", () => {
    for (const file of sourceFiles("**/wippy.lock", ["examples"])) {
      expect(faultsBy(lockFileSchema(), parse(readFileSync(join(root, file), "utf8")))).toEqual([]);
    }
  });

  test("names what is wrong", () => {
    const lock = { directories: { src: 3 }, modules: [{ name: "acme/http" }] };
    expect(faultsBy(lockFileSchema(), lock)).toEqual([
      "/directories/src",
      "/modules/0",
      "/modules",
    ]);
  });
});

describe("the schema of .wippy.yaml", () => {
  test("has every key that the sources read", () => {
    const read = sourceFiles("**/*.ts", ["src"]).flatMap((file) => {
      const text = readFileSync(join(root, file), "utf8");
      const calls = /config\??\s*\.(string|integer|boolean|duration|map)\(\s*"([a-z_.]+)"/g;
      return [...text.matchAll(calls)].map(([, type, key]) => ({ key: key!, type: type! }));
    });
    expect(read.length).toBeGreaterThan(10);
    const known = read.map(({ key }) => ({ key, type: String(configKeys[key]?.type) }));
    expect(known).toEqual(read);
    // That section is read from a copy.
    const names = new Set(["prometheus.address", ...read.map(({ key }) => key)]);
    expect(Object.keys(configKeys).filter((key) => !names.has(key))).toEqual([]);
  });

  test("names what is wrong, and lets other sections be", () => {
    const config = {
      version: "1.0",
      vars: { strict: true },
      shutdown: { timeout: "30 s" },
      lua: { type_system: { enabled: true, strict: "${strict}" }, eval: { cache_size: "big" } },
      cluster: { enabled: true },
    };
    expect(faultsBy(configSchema(), config)).toEqual([
      "/lua/eval/cache_size",
      "/shutdown/timeout",
    ]);
  });
});

describe("the schema of definition files", () => {
  test("has the payload of every kind", () => {
    const { definitions } = definitionSchema() as { definitions: Record<string, object> };
    expect(Object.keys(definitions).sort()).toEqual(["entry", ...kinds.keys()].sort());
    expect(definitions["store.memory"]).toHaveProperty("properties.max_size");
  });

  test("finds nothing in the files of the examples", () => {
    const files = sourceFiles("**/_index.yaml", ["examples"]);
    expect(files.length).toBeGreaterThan(3);
    const found = files.flatMap((file) =>
      faults(readFileSync(join(root, file), "utf8")).map((fault) => `${file}: ${fault}`)
    );
    expect(found).toEqual([]);
  });

  test.each([
    ["name: a, kind: function.lua, source: x, method: main", []],
    ["name: a, kind: function.lua, method: main", ["source"]],
    ["name: a, kind: function.lua, data: { source: x, method: main }", []],
    ["name: a, kind: function.lua, data: { source: 3, method: main }", ["/entries/0/data/source"]],
    ["name: a, kind: functoin.lua", ["/entries/0/kind"]],
    ["kind: registry.entry", ["name"]],
    ["name: a, kind: process.host, lifecycle: { auto_start: 3 }", [
      "/entries/0/lifecycle/auto_start",
    ]],
    ['name: a, kind: process.host, lifecycle: { auto_start: "${env:START}" }', []],
  ])("of an entry %j: %j", (fields, wanted) => {
    const found = faults(entry(fields)).join("\n");
    expect(found === "").toBe(wanted.length === 0);
    for (const part of wanted) expect(found).toContain(part);
  });

  test("takes a file of one entry", () => {
    expect(faults("namespace: app\nname: a\nkind: registry.entry\n")).toEqual([]);
    expect(faults("namespace: app\nname: a\nkind: function.lua\n").join()).toContain("source");
  });
});
