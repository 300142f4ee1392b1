import { expect, test } from "bun:test";
import type { WippyError } from "../../../src/vm/error.ts";
import { startApplication } from "../application.ts";

const strict = { lua: { type_system: { enabled: true, strict: true } } };
const wrong = 'local n: number = 1\nlocal e, s: string = "é", n\nreturn function() return s end';

test("strict refuses an application with faults of types, and shows the lines", async () => {
  const failed = await startApplication({ config: strict, functions: { main: wrong } })
    .catch((error: WippyError) => error.message);
  expect(failed).toContain(
    "src/main.lua:2:28  app:main  type error: cannot assign number to string (E0000)\n" +
      '    | local e, s: string = "é", n\n' +
      "    |                           ^\n    hint: ",
  );
});

test.each([
  ["nothing is set", {}],
  ["it is enabled, not strict", { lua: { type_system: { enabled: true } } }],
  ["it is strict, not enabled", { lua: { type_system: { strict: true } } }],
])("types are not checked when %s", async (_name, config) => {
  const application = await startApplication({ config, functions: { main: wrong } });
  expect(await application.call("main")).toBe(1);
});

test("the place of a fault of the syntax of typed code is shown", async () => {
  const failed = await startApplication({ functions: { main: "local x: {A, B} = 1" } })
    .catch((error: WippyError) => error.message);
  expect(failed).toContain(
    "'}' expected near ','\n    | local x: {A, B} = 1\n    |            ^\n",
  );
});

const apply = `local function try(source)
    local set = registry.snapshot():changes()
    set:update({ id = "app:changed", kind = "function.lua", data = { source = source, method = "main" } })
    local version, err = set:apply()
    return version and "applied" or err:message()
  end
  return function(source) return try(source) end`;

async function applied(config: Record<string, unknown>, sources: readonly string[]) {
  const application = await startApplication({
    config,
    functions: {
      changed: "return { main = function() end }",
      main: { source: apply, modules: ["registry"] },
    },
  });
  const found: unknown[] = [];
  for (const source of sources) found.push(await application.call("main", source));
  return found;
}

const inFunction = (code: string) => `return { main = function() ${code} end }`;

test("a change set whose types are wrong is refused whole", async () => {
  const [message, good] = await applied(strict, [
    inFunction("local n: number = 'x'\nlocal s: string = 1"),
    inFunction("local n: number = 1 return n"),
  ]);
  expect(message).toEndWith(
    'type errors in app:changed: 1:46 cannot assign "x" to number; 2:19 cannot assign 1 to string',
  );
  expect(good).toBe("applied");
});

test("a change of a library that its users are wrong for is refused", async () => {
  const library = (type: string) =>
    `local lib = {} function lib.half(n: ${type}): number return 1 end return lib`;
  const application = await startApplication({
    config: strict,
    libraries: { lib: library("number") },
    functions: {
      user: {
        source: "local lib = require('lib')\nreturn { main = function() return lib.half(4) end }",
        imports: { lib: "app:lib" },
      },
      main: {
        source: `return function(source)
          local set = registry.snapshot():changes()
          set:update({ id = "app:lib", kind = "library.lua", data = { source = source } })
          local version, err = set:apply()
          return version and "applied" or err:message()
        end`,
        modules: ["registry"],
      },
    },
  });
  expect(await application.call("main", library("string"))).toContain(
    "type errors in app:user: 2:44 argument 1: expected string, got 4",
  );
  expect(await application.call("main", library("integer"))).toBe("applied");
});

const point = "type Point = {x: number} ";
const refused = [
  "local x = @@ 1",
  'local x = "abc',
  "if true then",
  "local x: number< = 42",
  'local n: number = "x"',
  "local n: number = true",
  "local n: number = {}",
  "local s: string = 1",
  "local function f(a: number, b: number) return a + b end f(1)",
  "local function f(a: number) return a end f(1, 2)",
  "local function f(a: number) return a end f('x')",
  `${point}local p: Point = {x = 1} return p.y`,
  "local n: number = 1 return n.x",
  "local n: number = 1 n()",
  "local s: string = 'x' s()",
  "local b: boolean = true b()",
  "local n: number = nil",
  "local function f(): number? return 1 end local n: number = f()",
  "local a: string, b: string = 'a', 'b' return a + b",
  "local a: string, b: number = 'a', 1 return a + b",
  "local a: boolean, b: boolean = true, false return a + b",
  "local function f(): number return 'x' end",
  "local function f(): number end",
  "local v: number | string = true",
  "local v: number | string | boolean = {}",
];
const accepted = [
  "return function() end",
  "local function f(): number? end return f()",
  "local function open() local db, err = sql.get('x') if err then error(err) end return db end " +
  "local function use() local db = open() return db end use():query('x')",
];

test("strict refuses what is certainly wrong, and accepts the rest", async () => {
  const found = await applied(strict, [...refused, ...accepted].map(inFunction));
  const verdicts = found.map((message) => message === "applied");
  expect(verdicts).toEqual([...refused.map(() => false), ...accepted.map(() => true)]);
}, 20_000);
