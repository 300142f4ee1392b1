import { describe, expect, test } from "bun:test";
import { parseId } from "../../../src/registry/entry.ts";
import type { Query } from "../../../src/registry/query.ts";
import { Registry } from "../../../src/registry/registry.ts";

function entry(id: string, kind: string, meta: Record<string, unknown> = {}) {
  return { id, kind, meta, data: {} };
}

const registry = new Registry([
  entry("app:b", "function.lua", { title: "Bee", tags: ["x", "y"], n: 3, nested: { k: 1 } }),
  entry("app:a", "function.lua.bc", { title: "Ay", tags: ["y"], n: 3.5 }),
  entry("app.sub:c", "registry.entry", { title: 7, enabled: true }),
]);

/** Identifiers that a query finds, and what it warns of. */
function find(query: Query): { ids: string[]; warnings: string[] } {
  const warnings: string[] = [];
  const found = registry.find(query, (warning) => warnings.push(warning));
  return { ids: found.map(({ id }) => id), warnings };
}

test("entries are sorted by identifier and found by it", () => {
  expect(registry.all().map(({ id }) => id)).toEqual(["app.sub:c", "app:a", "app:b"]);
  expect(registry.get("app:b")?.kind).toBe("function.lua");
  expect(registry.get("b")).toBeUndefined();
  expect(registry.ofKind("registry.entry", "function.lua").map(({ id }) => id)).toEqual([
    "app.sub:c",
    "app:b",
  ]);
  expect(registry.version).toBe(0);
});

test("an identifier splits at its first colon", () => {
  expect(parseId("a.b:c:d")).toEqual({ namespace: "a.b", name: "c:d" });
  expect(parseId("plain")).toEqual({ namespace: "", name: "plain" });
});

describe("queries", () => {
  const cases: [Query, string[]][] = [
    [{}, ["app.sub:c", "app:a", "app:b"]],
    [{ ".kind": "function.lua" }, ["app:b"]],
    [{ ".kind": "function.*" }, ["app:a", "app:b"]],
    [{ ".kind": "function.lua.*" }, ["app:a"]],
    [{ ".kind": "*.lua*" }, []],
    [{ ".id": "app*:*" }, []],
    [{ ".id": "a*b" }, ["app:b"]],
    [{ ".ns": "app", ".name": "a" }, ["app:a"]],
    [{ ".name": "a*a" }, []],
    [{ "meta.title": "Bee" }, ["app:b"]],
    [{ "meta.n": 3n }, ["app:b"]],
    [{ "meta.n": "3" }, []],
    [{ "meta.tags": ["y"] }, ["app:a", "app:b"]],
    [{ "meta.tags": ["y", "x"] }, ["app:b"]],
    [{ "meta.tags": "y" }, []],
    [{ "meta.nested": { k: 1 } }, ["app:b"]],
    [{ "meta.nested": { k: 2 } }, []],
    [{ "meta.nested.k": 1 }, []],
    [{ "meta.enabled": true }, ["app.sub:c"]],
    [{ "~meta.title": "^B.e$" }, ["app:b"]],
    [{ "~meta.title": "(?i)^b" }, ["app:b"]],
    [{ "~meta.title": "^(?P<first>B)[[:alpha:]]+\\z" }, ["app:b"]],
    [{ "~meta.title": "7" }, []],
    [{ "*meta.title": "y" }, ["app:a"]],
    [{ "*meta.tags": "x" }, ["app:b"]],
    [{ "^meta.title": "A" }, ["app:a"]],
    [{ "$meta.title": "e" }, ["app:b"]],
    [{ ".kind": "function.*", "meta.n": 3 }, ["app:b"]],
  ];
  for (const [query, ids] of cases) {
    const shown = JSON.stringify(
      query,
      (_key, value) => typeof value === "bigint" ? `${value}n` : value,
    );
    test(`${shown} finds ${ids.length}`, () => {
      expect(find(query)).toEqual({ ids, warnings: [] });
    });
  }

  test("what is not understood is left out, with a warning", () => {
    const everything = ["app.sub:c", "app:a", "app:b"];
    for (
      const query of [{ kind: "x" }, { meta: { a: 1 } }, { "~meta.title": "(" }, { ".kind": 5 }, {
        "^meta.n": 3,
      }]
    ) {
      const { ids, warnings } = find(query);
      expect(ids).toEqual(everything);
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain(Object.keys(query)[0]);
    }
  });
});
