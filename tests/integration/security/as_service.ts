import type { LuaValue } from "../../../src/vm/value.ts";
import { type Code, type Sources, startApplication, type StartOptions } from "../application.ts";
import { until } from "../../until.ts";

/** An entry of a policy that allows. */
export function allow(actions: unknown, resources: unknown = "*"): Record<string, unknown> {
  return { kind: "security.policy", policy: { actions, resources, effect: "allow" } };
}

const modules = [
  "cloudstorage",
  "contract",
  "ctx",
  "env",
  "events",
  "exec",
  "fs",
  "funcs",
  "http_client",
  "logger",
  "pg",
  "registry",
  "security",
  "system",
  "time",
  "websocket",
  "workflow",
];

/**
 * A unit whose main has this body; `who()` tells its identity: the actor, and the ids of its policies.
 */
export function unit(body: string): Code {
  return {
    modules,
    source: `
local security, funcs, time = require("security"), require("funcs"), require("time")
local function who()
  local actor, scope, ids = security.actor(), security.scope(), nil
  if scope then
    ids = {}
    for i, policy in ipairs(scope:policies()) do ids[i] = policy:id() end
    table.sort(ids)
    ids = #ids == 0 and "nothing" or table.concat(ids, " ")
  end
  return (actor and actor:id() or "nobody") .. ": " .. (ids or "no scope")
end
local function main(...)
${body}
end
return { main = main }`,
  };
}

/**
 * What `body` returns in a process that a service with this `lifecycle.security` starts.
 *
 * @throws Error what it raised
 */
export async function asService(
  security: Record<string, unknown> | undefined,
  body: string,
  more: Sources = {},
  options: StartOptions = {},
): Promise<LuaValue> {
  const lifecycle = { auto_start: true, ...(security && { security }) };
  const application = await startApplication({
    ...more,
    entries: {
      service: { kind: "process.service", process: "served", host: "app:processes", lifecycle },
      all: allow("*"),
      reads: { ...allow("doc.read", "doc:*"), groups: ["readers"] },
      ...more.entries,
    },
    functions: {
      who: unit("return who()"),
      ...more.functions,
    },
    processes: {
      whoever: unit("return who()"),
      telling: unit("process.send(..., 'who', who())"),
      // It says its outcome in the log, for which no permission is needed.
      served: unit(`
        local function run()
${body}
        end
        local ok, value = pcall(run)
        require("logger"):info("outcome", { ok = ok, value = value })
        process.events():receive()`),
      ...more.processes,
    },
  }, options);
  const outcome = await until(() => application.logs.find(({ message }) => message === "outcome"));
  const { ok, value } = outcome.fields as { ok: boolean; value: LuaValue };
  if (ok !== true) throw value instanceof Error ? value : new Error(String(value));
  return value;
}
