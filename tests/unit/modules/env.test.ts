import { expect, test } from "bun:test";
import { Environment } from "../../../src/app/environment.ts";
import { entryOf } from "../operations/services.ts";
import { evaluate } from "./lua-unit.ts";

const entries = [
  entryOf("app:memory", "env.storage.memory"),
  entryOf("app:fixed", "env.storage.static", { values: { FIXED: "one", OTHER: "two" } }),
  entryOf("app:fixed_variable", "env.variable", { variable: "FIXED", storage: "app:fixed" }),
  entryOf("test:token", "env.variable", { storage: "app:memory", default: "none" }),
  entryOf("app:locked", "env.variable", {
    variable: "LOCKED",
    storage: "app:memory",
    default: "x",
    readonly: true,
  }),
];

function run(code: string) {
  const environment = new Environment(entries, { directory: ".", system: {} });
  return evaluate(code, { services: { environment } });
}

test("public names, identifiers and bare names of the caller's namespace", async () => {
  const code =
    `return { env.get("FIXED"), env.get("app:fixed_variable"), env.get("token"), env.get("test:token") }`;
  expect(await run(code)).toEqual(["one", "one", "none", "none"]);
});

test("what is set is read, and listed under the storage's key", async () => {
  const code = `return { env.set("token", "secret"), env.get("token"), env.get_all() }`;
  expect(await run(code)).toEqual([
    true,
    "secret",
    Object.assign(Object.create(null), { FIXED: "one", OTHER: "two", "test:token": "secret" }),
  ]);
});

test.each([
  [`env.get("")`, "Invalid: empty key"],
  [
    `env.get("NOPE")`,
    "NotFound: get environment variable failed: environment variable not found",
  ],
  [`env.set("NOPE", "x")`, /^NotFound: /],
  [`env.set("LOCKED", "x")`, /^PermissionDenied: .*read-only/],
  [`env.set("FIXED", "x")`, /^PermissionDenied: .*read-only/],
])("%s", async (call, expected) => {
  const shown = await run(`local _, err = ${call} return err:kind() .. ": " .. err:message()`);
  if (typeof expected === "string") expect(shown).toBe(expected);
  else expect(shown).toMatch(expected);
});

test("wrong types raise", async () => {
  expect(await run(`return { (pcall(env.get)), (pcall(env.set, "token", 5)) }`)).toEqual(
    [false, false],
  );
});
