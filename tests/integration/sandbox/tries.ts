import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { LuaValue } from "../../../src/vm/value.ts";
import { type Code, TestApplication } from "../application.ts";

/** A try: what it does, its code, and what it must come to. */
export type Try = [what: string, code: string, outcome: LuaValue | RegExp];

export const modules = [
  "ctx",
  "env",
  "events",
  "fs",
  "funcs",
  "json",
  "logger",
  "pg",
  "registry",
  "security",
  "server",
  "supervisor",
  "sys",
  "system",
  "time",
  "uuid",
];

/**
 * A unit that runs the code and tells what came of it: `{ true, value }` or `{ false, message }`. After a line `--raw`
 * the code is the whole source.
 */
function attacker(code: string): Code {
  if (code.startsWith("--raw\n")) {
    return { modules, source: `local time, funcs = require("time"), require("funcs")\n${code}` };
  }
  return {
    modules,
    source: `
local function try(...)
${code}
end
return { main = function(...)
  local ok, value = pcall(try, ...)
  if ok then return { true, value } end
  return { false, tostring(value) }
end }`,
  };
}

/**
 * Runs the tries one by one, each as a process of one runtime, and after each asks a process that lived there
 * before: it must have kept its state and the libraries must be whole.
 */
export function tries(
  theme: string,
  list: Try[],
  options: { memoryLimit?: number; timeout?: string } = {},
): void {
  describe(theme, () => {
    let application: TestApplication;
    beforeAll(async () => {
      application = await TestApplication.start({
        entries: { groups: { kind: "pg.scope" } },
        processes: {
          ...Object.fromEntries(list.map(([, code], index) => [`try${index}`, attacker(code)])),
          neighbour: {
            modules,
            source: `return { main = function()
              local secret, count, inbox = "kept", 0, process.inbox()
              process.registry.register("neighbour")
              while true do
                local from = inbox:receive():from()
                count = count + 1
                local whole = ("x"):upper() == "X" and string.format("%d", 1) == "1"
                  and #table.pack(1, 2) == 2 and math.max(1, 2) == 2 and select("#", 1, 2) == 2
                  and type(process.send) == "function" and rawget({ 1 }, 1) == 1
                  and getmetatable("") == false and injected == nil
                process.send(from, "well", { secret = secret, count = count, whole = whole })
              end
            end }`,
          },
        },
        functions: {
          begin:
            'return { main = function() return process.spawn("app:neighbour", "app:processes") end }',
          attack: {
            modules,
            source: `local time = require("time")
            return { main = function(name)
              local pid, refused = process.spawn_monitored("app:" .. name, "app:processes")
              if not pid then return { false, tostring(refused) } end
              local got = channel.select({
                process.events():case_receive(),
                time.after("${options.timeout ?? "20s"}"):case_receive(),
              })
              if got.channel == process.events() then
                return got.value.result.value or { false, tostring(got.value.result.error) }
              end
              process.terminate(pid)
              process.events():receive()
              return { false, "went on until it was terminated" }
            end }`,
          },
          ask: {
            modules,
            source: `local time = require("time")
            return { main = function()
              local well = process.listen("well")
              process.send("neighbour", "how are you", 1)
              local got = channel.select({ well:case_receive(), time.after("10s"):case_receive() })
              return got.channel == well and got.value or "no answer"
            end }`,
          },
        },
      }, options.memoryLimit === undefined ? {} : { memoryLimit: options.memoryLimit });
      await application.call("begin");
    });
    afterAll(() => application.stop());

    let asked = 0;
    for (const [index, [what, , outcome]] of list.entries()) {
      test(what, async () => {
        const result = await application.call("attack", `try${index}`) as LuaValue[];
        if (outcome instanceof RegExp) {
          expect(result).toEqual([false, expect.stringMatching(outcome)]);
        } else {
          expect(result).toEqual(outcome === undefined ? [true] : [true, outcome]);
        }
        asked++;
        expect(await application.call("ask")).toEqual({
          secret: "kept",
          count: asked,
          whole: true,
        });
      }, 60_000);
    }
  });
}
