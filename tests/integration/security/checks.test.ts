import { expect, test } from "bun:test";
import { allow, asService, unit } from "./as_service.ts";

const restricted = (...policies: string[]) => ({ actor: { id: "u" }, policies });

/** What a check asks for, what does it, and how the denial shows. */
const checks: [action: string, call: string, kind: string, message: string][] = [
  [
    "funcs.call",
    'funcs.call("app:who")',
    "PermissionDenied",
    "not allowed: app:who",
  ],
  [
    "funcs.call",
    'funcs.async("app:who")',
    "PermissionDenied",
    "not allowed: app:who",
  ],
  [
    "funcs.call",
    'funcs.new():call("app:who")',
    "PermissionDenied",
    "not allowed: app:who",
  ],
  [
    "funcs.context",
    "funcs.new():with_context({})",
    "PermissionDenied",
    "not allowed to call functions with custom context",
  ],
  [
    "funcs.security",
    "funcs.new():with_actor(security.actor())",
    "PermissionDenied",
    "not allowed to call functions with custom security context",
  ],
  [
    "funcs.security",
    "funcs.new():with_scope(security.scope())",
    "PermissionDenied",
    "not allowed to call functions with custom security context",
  ],
  ...(["", "_monitored", "_linked", "_linked_monitored"] as const).map((
    form,
  ): [string, string, string, string] => [
    "process.spawn",
    `process.spawn${form}("app:whoever", "app:processes")`,
    "PermissionDenied",
    "not allowed to spawn process: app:whoever",
  ]),
  [
    "process.spawn.monitored",
    'process.spawn_monitored("app:whoever", "app:processes")',
    "PermissionDenied",
    "not allowed to spawn monitored process: app:whoever",
  ],
  [
    "process.spawn.linked",
    'process.spawn_linked("app:whoever", "app:processes")',
    "PermissionDenied",
    "not allowed to spawn linked process: app:whoever",
  ],
  [
    "process.host",
    'process.spawn("app:whoever", "app:processes")',
    "PermissionDenied",
    "not allowed to spawn on host: app:processes",
  ],
  [
    "process.host",
    'process.exec("app:whoever", "app:processes")',
    "PermissionDenied",
    "not allowed to spawn on host: app:processes",
  ],
  ...["spawn_monitored", "spawn_linked", "spawn_linked_monitored"].map((
    name,
  ): [string, string, string, string] => [
    "process.host",
    `process.${name}("app:whoever", "app:processes")`,
    "PermissionDenied",
    "not allowed to spawn on host: app:processes",
  ]),
  [
    "process.exec",
    'process.exec("app:whoever", "app:processes")',
    "PermissionDenied",
    "not allowed to execute process: app:whoever",
  ],
  [
    "process.send",
    'process.send(process.pid(), "t", 1)',
    "PermissionDenied",
    "not allowed to send to process: PID",
  ],
  ...["terminate", "cancel", "monitor", "unmonitor", "link", "unlink"].map((
    name,
  ): [string, string, string, string] => [
    `process.${name}`,
    `process.${name}(process.pid())`,
    "PermissionDenied",
    `not allowed to ${name} process: PID`,
  ]),
  [
    "process.registry.register",
    'process.registry.register("n")',
    "PermissionDenied",
    "not allowed to register name: n",
  ],
  [
    "process.registry.foreign",
    'process.registry.register("n", "{app:processes|0x00080}")',
    "PermissionDenied",
    "not allowed to register name: n",
  ],
  [
    "process.registry.unregister",
    'process.registry.unregister("n")',
    "PermissionDenied",
    "not allowed to unregister name: n",
  ],
  [
    "env.get",
    'require("env").get("HOME")',
    "PermissionDenied",
    "permission denied: env.get on HOME",
  ],
  [
    "env.set",
    'require("env").set("HOME", "x")',
    "PermissionDenied",
    "permission denied: env.set on HOME",
  ],
  [
    "fs.get",
    'require("fs").get("app:files")',
    "PermissionDenied",
    "permission denied: fs.get on app:files",
  ],
  [
    "workflow.exec",
    'require("workflow").exec("app:flow")',
    "PermissionDenied",
    "not allowed to execute workflow: app:flow",
  ],
  [
    "events.subscribe",
    'require("events").subscribe("s")',
    "Invalid",
    "not allowed to subscribe events of system: s",
  ],
  [
    "events.send",
    'require("events").send("s", "k", "p")',
    "Invalid",
    "not allowed to send events of system: s",
  ],
  [
    "registry.get",
    'require("registry").get("app:who")',
    "PermissionDenied",
    "not allowed to access entry: app:who",
  ],
  [
    "system.read",
    'require("system").process.pid()',
    "Invalid",
    "permission denied: system.read on pid",
  ],
  [
    "security.policy.get",
    'security.policy("app:all")',
    "Invalid",
    "permission denied: access policy",
  ],
  [
    "security.policy_group.get",
    'security.named_scope("app:readers")',
    "Invalid",
    "permission denied: access policy group",
  ],
];

/** Checks whose denial raises. */
const raising: [action: string, call: string, message: string][] = [
  [
    "process.context",
    "process.with_context({})",
    "not allowed to spawn processes with custom context",
  ],
  [
    "process.context",
    "process.with_options({}):with_options({})",
    "not allowed to spawn processes with custom options",
  ],
  [
    "process.security",
    "process.with_context({}):with_context({})",
    "not allowed to spawn processes with custom security context",
  ],
  [
    "process.security",
    "process.with_context({}):with_actor(security.actor())",
    "not allowed to spawn processes with custom security context",
  ],
  [
    "process.spawn",
    'process.with_context({}):spawn("app:whoever", "app:processes")',
    "not allowed to spawn process: app:whoever",
  ],
  [
    "process.host",
    'process.with_context({}):spawn("app:whoever", "app:processes")',
    "not allowed to spawn on host: app:processes",
  ],
  ["security.actor.create", 'security.new_actor("x")', "not allowed to create actor with ID: x"],
  ["security.scope.create", "security.new_scope()", "not allowed to create custom scopes"],
  [
    "security.scope.create",
    'security.scope():with(security.policy("app:all"))',
    "not allowed to add policy to scope",
  ],
  [
    "security.scope.create",
    'security.scope():without("x")',
    "not allowed to remove policy from scope",
  ],
  [
    "security.token_store.get",
    'security.token_store("app:tokens")',
    "not allowed to access token store: app:tokens",
  ],
];

const more = {
  entries: {
    files: { kind: "fs.directory", directory: "." },
    most: {
      kind: "security.policy",
      policy: { actions: "*", resources: "*", effect: "allow" },
    },
  },
};

/** Denies one action; everything else is allowed. */
const without = (action: string) => ({
  entries: {
    ...more.entries,
    not: { kind: "security.policy", policy: { actions: action, resources: "*", effect: "deny" } },
  },
});

for (const [action, call, kind, message] of checks) {
  test(`${call} needs ${action}`, async () => {
    const body = `
      local value, err = ${call}
      return { value or false, err:kind(), (err:message():gsub("{app:processes|%w+}", "PID")) }`;
    expect(await asService(restricted("all", "not"), body, without(action)))
      .toEqual([false, kind, message]);
  });
}

for (const [action, call, message] of raising) {
  test(`${call} raises without ${action}`, async () => {
    const body = `
      local ok, err = pcall(function() return ${call} end)
      return { ok, err:kind(), err:message() }`;
    expect(await asService(restricted("all", "not"), body, without(action)))
      .toEqual([false, "PermissionDenied", message]);
  });
}

test("a policy may look at the process that asks", async () => {
  const only = {
    entries: {
      own: {
        kind: "security.policy",
        policy: {
          actions: "process.send",
          resources: "*",
          effect: "allow",
          conditions: [{ field: "resource", operator: "eq", value_from: "meta.pid" }],
        },
      },
    },
  };
  expect(
    await asService(
      restricted("own"),
      `
      local other = process.send("{app:processes|0x00000}", "t", 1)
      return { process.send(process.pid(), "t", 1), other or false }`,
      only,
    ),
  ).toEqual([true, false]);
});

test("all variables but those that may not be read", async () => {
  const env = {
    entries: {
      values: { kind: "env.storage.static", values: { OPEN: "1", SECRET: "2" } },
      open: allow(["env.get"], ["OPEN"]),
    },
  };
  expect(await asService(restricted("open"), 'return require("env").get_all()', env))
    .toEqual({ OPEN: "1" });
});

test("a denied operation has not run", async () => {
  expect(
    await asService(
      restricted("all", "not"),
      `
      local _, err = require("env").set("app:variable", "changed")
      return { err:kind(), require("env").get("app:variable") }`,
      {
        entries: {
          ...without("env.set").entries,
          memory: { kind: "env.storage.memory" },
          variable: { kind: "env.variable", storage: "app:memory", default: "first" },
        },
      },
    ),
  ).toEqual(["PermissionDenied", "first"]);
});

const reading = { reads: { ...allow("doc.read", "doc:*"), groups: ["readers"] } };
const strict = { config: { version: "1.0", security: { strict_mode: true } } };
const vector = `
  local allowed = funcs.call("app:who") ~= nil
  return { allowed, security.can("doc.read", "doc:1"), security.can("doc.write", "doc:1") }`;

/** Identity, strict mode, then: a module's check, can read, can write. */
const vectors: [string, Record<string, unknown> | undefined, boolean, boolean[]][] = [
  ["an actor and a scope", restricted("reads"), false, [false, true, false]],
  ["an actor and a scope, strict", restricted("reads"), true, [false, true, false]],
  ["an actor and an empty scope", restricted("gone"), false, [false, false, false]],
  ["an actor without a scope", { actor: { id: "u" } }, false, [true, false, false]],
  ["an actor without a scope, strict", { actor: { id: "u" } }, true, [false, false, false]],
  ["nobody", undefined, false, [true, false, false]],
  ["nobody, strict", undefined, true, [false, false, false]],
];
for (const [who, security, isStrict, expected] of vectors) {
  test(`who may do what: ${who}`, async () => {
    const sources = { entries: reading, ...(isStrict && strict) };
    expect(await asService(security, vector, sources)).toEqual(expected);
  });
}

test("a function that was called may do what its caller may, and no more", async () => {
  expect(
    await asService(
      restricted("calls"),
      'return funcs.call("app:nested")',
      {
        entries: { calls: allow("funcs.call", "app:nested") },
        functions: { nested: unit("return tostring(select(2, funcs.call('app:who')))") },
      },
    ),
  ).toBe("not allowed: app:who");
});
