/**
 * An application with queues, for the tests of all drivers.
 * @module
 */
import type { Code, Sources } from "../application.ts";

export const auto = { lifecycle: { auto_start: true } };

/** The modules of the functions. */
export const modules = ["queue", "time", "funcs", "security", "store", "logger"];

/** A function whose body has its arguments as `...`, and a store `s` to leave traces in. */
export function code(body: string): Code {
  return {
    modules,
    source: `local queue, time, funcs = require("queue"), require("time"), require("funcs")
      local security, store = require("security"), require("store")
      -- Appends to a list that other functions see.
      local function note(text)
        local s = assert(store.get("app:notes"))
        while true do
          local entry = s:entry("list")
          local options = entry and { if_version = entry.version } or { only_if_absent = true }
          if s:put("list", (entry and entry.value or "") .. text .. "\\n", options) then return end
        end
      end
      return { main = function(...)
        ${body}
      end }`,
  };
}

/** An application with a driver (in memory), the queue `work` and the consumer `consumer` of function `handle`. */
export function withQueue(
  functions: Record<string, string>,
  { driver = {}, queue = {}, consumer = {}, entries = {} }: {
    driver?: Record<string, unknown>;
    queue?: Record<string, unknown>;
    consumer?: Record<string, unknown>;
    entries?: Record<string, Record<string, unknown>>;
  } = {},
): Sources {
  const handles = functions["handle"] !== undefined;
  return {
    entries: {
      notes: { kind: "store.memory", ...auto },
      driver: { kind: "queue.driver.memory", ...auto, ...driver },
      work: { kind: "queue.queue", driver: "app:driver", ...queue },
      ...(handles && {
        consumer: {
          kind: "queue.consumer",
          queue: "app:work",
          func: "app:handle",
          ...auto,
          ...consumer,
        },
      }),
      ...entries,
    },
    functions: {
      // Waits until so many notes are there, and returns them in order.
      read_notes: code(`
        local wanted = ...
        local s = assert(store.get("app:notes"))
        while true do
          local text = s:get("list") or ""
          local _, lines = text:gsub("\\n", "")
          if lines >= wanted then return text end
          time.sleep("2ms")
        end`),
      ...Object.fromEntries(Object.entries(functions).map(([name, body]) => [name, code(body)])),
    },
  };
}

/** The notes of the functions, once there are so many. */
export async function notesOf(
  application: { call(name: string, ...args: number[]): Promise<unknown> },
  count: number,
): Promise<string[]> {
  const text = await application.call("read_notes", count) as string;
  return text.trimEnd().split("\n");
}
