import { describe, expect, test } from "bun:test";
import type { LuaValue } from "../../../src/vm/value.ts";
import { main, type Sources, startApplication } from "../application.ts";
import { allow, asService } from "../security/as_service.ts";

const json = { format: "application/schema+json", definition: { type: "string" } };

const entries = {
  store: {
    kind: "contract.definition",
    methods: [
      { name: "get", description: "Reads", input_schemas: [json] },
      { name: "put" },
      { name: "fails" },
    ],
  },
  clock: { kind: "contract.definition", methods: [{ name: "now" }] },
  unused: { kind: "contract.definition" },
  memory: {
    kind: "contract.binding",
    contracts: [
      { contract: "app:store", default: true, methods: { get: "get", fails: "app:fails" } },
      { contract: "clock", context_required: ["zone", "place"], methods: { now: "get" } },
    ],
  },
  disk: {
    kind: "contract.binding",
    contracts: [{ contract: "store", methods: { get: "get", put: "get" } }],
  },
};

const functions = {
  get: {
    modules: ["ctx", "security"],
    source: `return { main = function(...)
      local actor = require("security").actor()
      return { args = { ... }, context = require("ctx").all(), actor = actor and actor:id() }
    end }`,
  },
  fails: `return { main = function()
    return nil, errors.new({ message = "full", kind = "Unavailable", retryable = true })
  end }`,
};

async function run(body: string, more: Sources = {}): Promise<LuaValue> {
  const application = await startApplication({
    entries,
    ...more,
    functions: {
      ...functions,
      ...more.functions,
      main: {
        modules: ["contract", "funcs", "security", "time"],
        source: `local contract, security = require("contract"), require("security")\n${
          main(body)
        }`,
      },
    },
  });
  return await application.call("main");
}

test("a contract tells its methods", async () => {
  expect(
    await run(`local store = contract.get("app:store")
      return { store:id(), store:methods(), store:method("put"), tostring(select(2, store:method("x"))),
        store:implementations(), #contract.find_implementations("app:unused") }`),
  ).toEqual([
    "app:store",
    [
      { name: "get", description: "Reads", input_schemas: [json] },
      { name: "put", description: "" },
      { name: "fails", description: "" },
    ],
    { name: "put", description: "" },
    "method not found: x",
    ["app:disk", "app:memory"],
    0,
  ]);
});

test("values of the reference are what they look like, and others go before them", async () => {
  const context = (open: string) => run(`return ${open}:get(1, nil, 3).context`);
  expect(
    await context(
      'contract.open("app:memory?debug=true&off=false&limit=5&ratio=0.5&tag=x&tag=y&empty=&a%20b=c+d&big=99999999999999999999")',
    ),
  ).toEqual({
    debug: true,
    off: false,
    limit: 5,
    ratio: 0.5,
    tag: "x",
    empty: "",
    "a b": "c d",
    big: "99999999999999999999",
  });
  expect(
    await context(
      'contract.get("app:store"):with_context({ a = 2, b = 2 }):open("app:memory?a=1&b=1&c=1", { a = 3 })',
    ),
  ).toEqual({ a: 3, b: 2, c: 1 });
  expect(await context('contract.get("app:store"):open(nil, { a = 3 })')).toEqual({ a: 3 });
});

test("the caller's context lies under all that", async () => {
  expect(
    await run('return funcs.new():with_context({ a = 1, b = 1 }):call("app:inner")', {
      functions: {
        inner: {
          modules: ["contract"],
          source:
            'return { main = function() return require("contract").open("app:memory?b=2"):get().context end }',
        },
      },
    }),
  ).toEqual({ a: 1, b: 2 });
});

describe("methods", () => {
  test("are called with their arguments, at once or later", async () => {
    expect(
      await run(`local memory = contract.open("app:memory")
        return { memory:get(1, "x").args, memory:get_async(2):response():receive():data().args,
          memory.nothing == nil, memory.nothing_async == nil, memory[1] == nil,
          contract.is(memory, "app:clock"), contract.is(memory, "app:unused"), contract.is(channel.new(), "app:store") }`),
    ).toEqual([[1, "x"], [2], true, true, true, true, false, false]);
  });

  const failing: [string, string, string][] = [
    ['contract.open("app:memory"):put()', "NotFound", "method 'put' not bound"],
    ['contract.open("app:memory"):put_async()', "NotFound", "method 'put' not bound"],
    ['contract.open("app:memory"):fails()', "Unavailable", "full"],
    [
      'contract.open("app:memory?zone=x"):now()',
      "Invalid",
      "missing required context keys: [place]",
    ],
    [
      'contract.open("app:memory"):now()',
      "Invalid",
      "missing required context keys: [zone, place]",
    ],
    ['contract.open("app:nothing")', "NotFound", "binding not found: app:nothing"],
    ['contract.open("app:get")', "NotFound", "binding not found: app:get"],
    ['contract.open("memory")', "Invalid", 'invalid id: "memory" (namespace:name expected)'],
    ['contract.open("app:memory?a=%")', "Invalid", 'malformed query in binding "app:memory?a=%"'],
    ['contract.get("app:nothing")', "NotFound", "contract not found: app:nothing"],
    ['contract.get("app:memory")', "NotFound", "contract not found: app:memory"],
    ['contract.get("x")', "Invalid", 'invalid id: "x" (namespace:name expected)'],
    ['contract.get("app:clock"):open()', "NotFound", "no default binding for contract: app:clock"],
    [
      'contract.get("app:clock"):open("app:disk")',
      "NotFound",
      "binding app:disk does not implement app:clock",
    ],
    ['contract.find_implementations("app:nothing")', "NotFound", "contract not found: app:nothing"],
  ];
  for (const [call, kind, message] of failing) {
    test(`${call}: ${message}`, async () => {
      expect(await run(`local value, err = ${call} return { value, err:kind(), err:message() }`))
        .toEqual(new Map<LuaValue, LuaValue>([[2, kind], [3, message]]));
    });
  }

  const raising: [string, string][] = [
    ["contract.get(1)", "bad argument #1 to 'get' (string expected, got number)"],
    ["contract.open({})", "bad argument #1 to 'open' (string expected, got table)"],
    ["contract.open('app:memory', 1)", "bad argument #2 to 'open' (table expected, got number)"],
    ["contract.is({}, 'x')", "bad argument #1 to 'is' (contract instance expected, got table)"],
    [
      "contract.get('app:store'):with_context(1)",
      "bad argument #1 to 'with_context' (table expected, got number)",
    ],
    [
      "contract.get('app:store'):with_actor({})",
      "bad argument #1 to 'with_actor' (security.Actor expected, got table)",
    ],
    ["contract.open('app:memory').get({})", "contract instance expected, got table"],
    ["contract.open('app:memory'):nothing()", "attempt to call a nil value"],
  ];
  for (const [call, message] of raising) {
    test(`${call} raises`, async () => {
      expect(await run(`return select(2, pcall(function() ${call} end))`))
        .toEqual(expect.stringContaining(message));
    });
  }
});

test("options repeat a failed call", async () => {
  expect(
    await run(
      `contract.get("app:store"):with_options({ retry = { max_attempts = 3, initial_delay = 1 } }):open():fails()
      contract.open("app:memory", nil, { retry = { max_attempts = 2, initial_delay = 1 } }):fails()
      contract.open("app:memory"):fails()
      return funcs.call("app:count")`,
      {
        functions: {
          fails: {
            modules: ["env"],
            source: `local env = require("env") return { main = function()
              env.set("app:tries", tostring(tonumber(env.get("app:tries")) + 1))
              return nil, errors.new({ message = "full", kind = "Unavailable", retryable = true })
            end }`,
          },
          count: {
            modules: ["env"],
            source:
              'return { main = function() return tonumber(require("env").get("app:tries")) end }',
          },
        },
        entries: {
          ...entries,
          values: { kind: "env.storage.memory" },
          tries: { kind: "env.variable", storage: "app:values", default: "0" },
        },
      },
    ),
  ).toBe(6);
});

const denials: [string, string, string][] = [
  ["contract.get", 'contract.get("app:store")', "not allowed to access contract: app:store"],
  ["contract.open", 'contract.open("app:memory?a=1")', "not allowed to open binding: app:memory"],
  [
    "contract.implementations",
    'contract.get("app:store"):implementations()',
    "not allowed to list implementations of contract: app:store",
  ],
  ["contract.call", 'contract.open("app:memory"):get_async()', "not allowed to call method: get"],
  [
    "contract.context",
    'contract.get("app:store"):with_context({})',
    "not allowed to use contracts with custom context",
  ],
  [
    "contract.security",
    'contract.get("app:store"):with_actor(security.actor())',
    "not allowed to use contracts with custom security context",
  ],
];
for (const [action, call, message] of denials) {
  test(`${call} needs ${action}`, async () => {
    expect(
      await asService(
        { actor: { id: "u" }, policies: ["all", "not"] },
        `local contract = require("contract")
        local value, err = ${call}
        return { err:kind(), err:message() }`,
        {
          entries: {
            ...entries,
            not: {
              kind: "security.policy",
              policy: { actions: action, resources: "*", effect: "deny" },
            },
          },
          functions,
        },
      ),
    ).toEqual(["PermissionDenied", message]);
  });
}

test("an instance acts as the caller, or as who it was given", async () => {
  expect(
    await asService(
      { actor: { id: "u" }, policies: ["all"] },
      `local contract = require("contract")
      local store = contract.get("app:store")
      return { store:open():get().actor, store:with_actor(security.new_actor("other")):open():get().actor }`,
      { entries: { ...entries, more: allow("x") }, functions },
    ),
  ).toEqual(["u", "other"]);
});

test("a method is an activity of a workflow", async () => {
  expect(
    await run('return process.exec("app:flow", "app:flows")', {
      entries: {
        ...entries,
        flows: { kind: "workflow.host", lifecycle: { auto_start: true } },
        flow: {
          kind: "workflow.lua",
          modules: ["contract"],
          source:
            'return { main = function() return require("contract").open("app:memory?a=1"):get(7) end }',
        },
      },
    }),
  ).toEqual({ args: [7], context: { a: 1 } });
});

const faults: [Record<string, unknown>, string][] = [
  [{ kind: "contract.binding" }, "a binding needs at least one contract"],
  [{ kind: "contract.binding", contracts: [{ methods: {} }] }, "contract is required"],
  [
    { kind: "contract.binding", contracts: [{ contract: "app:nothing" }] },
    "app:nothing",
  ],
  [
    { kind: "contract.binding", contracts: [{ contract: "store", methods: { get: "nothing" } }] },
    "nothing",
  ],
  [{ kind: "contract.definition", methods: [{}] }, "method name is required"],
  [{ kind: "contract.definition", methods: [{ name: "a_async" }] }, "ends in _async"],
  [
    { kind: "contract.definition", methods: [{ name: "a" }, { name: "a" }] },
    'two methods have the name "a"',
  ],
];
for (const [entry, message] of faults) {
  test(`refused at load: ${JSON.stringify(entry)}`, async () => {
    const error: Error = await startApplication({ entries: { ...entries, bad: entry }, functions })
      .then(() => new Error("loaded"), (e) => e);
    expect(error.message).toContain(message);
  });
}
