/**
 * Requests that its own document allows, and requests that it does not, at every route of the API.
 * @module
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { z } from "zod";
import { apiBase, createApi } from "../../../src/admin/admin.ts";
import { problemSchema } from "../../../src/admin/problem.ts";
import { Shop } from "./shop.ts";

interface Parameter {
  name: string;
  in: "path" | "query";
  required?: boolean;
  schema: Record<string, unknown>;
}

interface Operation {
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Record<string, unknown> }> };
  responses: Record<string, { content?: Record<string, { schema: Record<string, unknown> }> }>;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown> };
}

/** Names that mean something in the shop, names that mean nothing, and names made to break things. */
const names = fc.oneof(
  fc.constantFrom("app:pay", "app:bad", "app:order", "app:durable", "o-1", "counter", "running"),
  fc.constantFrom("{app:durable|o-1}", "{app:processes|0x1}", "{|}", "../..", "%00", "__proto__"),
  fc.string({ maxLength: 20 }),
);

/** Values that a schema allows, more or less. */
function valuesOf(schema: Record<string, unknown>): fc.Arbitrary<unknown> {
  if (Array.isArray(schema["enum"])) return fc.constantFrom(...schema["enum"] as unknown[]);
  switch (schema["type"]) {
    case "integer":
    case "number":
      return fc.oneof(fc.integer({ min: 0, max: 100 }), fc.double(), fc.constant(-1));
    case "string":
      return names;
    case "array":
      return fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 4 });
    case "object": {
      const properties = (schema["properties"] ?? {}) as Record<string, Record<string, unknown>>;
      const fields = Object.fromEntries(
        Object.entries(properties).map(([name, inner]) => [name, valuesOf(inner)]),
      );
      return fc.record(fields, { requiredKeys: [] });
    }
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

/** One request: mostly fit, sometimes of any form. */
function requestsOf(path: string, operation: Operation) {
  const junk = fc.oneof({ weight: 1, arbitrary: fc.string() }, {
    weight: 1,
    arbitrary: fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
  });
  const schema = operation.requestBody?.content["application/json"]?.schema;
  const body = schema === undefined ? fc.constant(undefined) : fc.oneof(
    { weight: 4, arbitrary: valuesOf(schema).map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: junk },
  );
  const parameters = (operation.parameters ?? []).map(({ name, in: place, schema }) =>
    fc.option(valuesOf(schema), { freq: 3 }).map((value) => ({ name, place, value }))
  );
  return fc.tuple(body, ...parameters).map(([body, ...given]) => {
    let address = path;
    const query = new URLSearchParams();
    for (const { name, place, value } of given) {
      const text = typeof value === "object" ? JSON.stringify(value ?? "") : String(value);
      if (place === "path") address = address.replace(`{${name}}`, encodeURIComponent(text || "x"));
      else if (value !== null) query.set(name, text);
    }
    const search = query.toString();
    return { address: search === "" ? address : `${address}?${search}`, body };
  });
}

/** The schema library's own wording, which is not for users. */
const schemaWords =
  /Invalid input|Invalid option|Too (?:small|big):|Unrecognized key|, received|Invalid (?:string|key)/;

test("no request breaks the API, and every answer is as its document says", async () => {
  const shop = new Shop();
  const target = await shop.start();
  const api = createApi(target, () => ({ name: "test", role: () => "admin" }));
  const start = (id: string) =>
    shop.node.workflows.start({
      entry: "app:order",
      frame: {},
      options: { "workflow.id": id },
      messages: [],
      sender: "",
      args: [1, 2],
    });
  await start("o-1");
  // As JSON Schema writes references, which zod reads.
  const text = (await (await api.request(`${apiBase}/openapi.json`)).text())
    .replaceAll("#/components/schemas/", "#/$defs/");
  const document = JSON.parse(text) as Document;
  const { schemas } = document.components;
  const checked = new Map<string, number>();
  for (const [path, methods] of Object.entries(document.paths)) {
    // Waiting for an end and following events take their time by design.
    if (/\/(?:result|events)$/.test(path)) continue;
    for (const [method, operation] of Object.entries(methods)) {
      const answers = new Map(
        Object.entries(operation.responses).flatMap(([status, { content }]) => {
          const schema = content?.["application/json"]?.schema;
          if (!schema) return [];
          return [[status, z.fromJSONSchema({ ...schema, $defs: schemas } as never)]];
        }),
      );
      const property = fc.asyncProperty(requestsOf(path, operation), async ({ address, body }) => {
        const response = await api.request(address, {
          method: method.toUpperCase(),
          ...(body !== undefined && { body, headers: { "content-type": "application/json" } }),
        });
        const text = await response.text();
        const said = `${method} ${address} ${body ?? ""} answered ${response.status} ${text}`;
        if (response.status >= 400) {
          expect(response.headers.get("content-type"), said).toContain("application/problem+json");
          const told = problemSchema.parse(JSON.parse(text));
          expect(told.status, said).toBe(response.status);
          expect(told.detail, said).not.toMatch(schemaWords);
          // What the shop's own code fails with is an Internal error of the shop, not of the API.
          if (response.status === 500) expect(told.detail, said).toMatch(/^app:|no luck/);
        } else {
          const schema = answers.get(String(response.status));
          expect(schema, said).toBeDefined();
          expect(schema!.safeParse(JSON.parse(text)).error, said).toBeUndefined();
        }
        checked.set(path, (checked.get(path) ?? 0) + 1);
      });
      await fc.assert(property, { numRuns: Number(process.env["WIPPY_FUZZ_RUNS"] ?? 25) });
    }
  }
  expect(checked.size).toBeGreaterThan(25);
  expect(shop.stopAsked).toBe(true);
}, 120_000);
