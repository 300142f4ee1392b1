/**
 * Option tables of workflow code, read before anything is scheduled. Pure functions of the Lua side:
 * `host.pure("workflow.activity_options", entry, options)` and `host.pure("workflow.child_options", options)`.
 * @module
 */
import { asLua, type LuaValue } from "../vm/value.ts";
import { parseActivityOptions, parseChildOptions } from "../workflows/options/option-table.ts";
import { UnknownOptions } from "../workflows/options/unknown-options.ts";
import type { CodeEntry, FromWorker } from "./messages.ts";

type Entries = ReadonlyMap<string, CodeEntry>;

const legacyPrefix = "temporal.";

/** The options under their canonical keys; where both spellings are given, the canonical one wins. */
function canonical(options: LuaValue): [string, LuaValue][] {
  if (typeof options !== "object" || options === null) return [];
  const entries: [LuaValue, LuaValue][] = options instanceof Map
    ? [...options]
    : Object.entries(options);
  const named = entries.filter((entry): entry is [string, LuaValue] =>
    typeof entry[0] === "string"
  );
  const isLegacy = ([key]: [string, LuaValue]) => key.startsWith(legacyPrefix);
  return [
    ...named.filter(isLegacy).map(([key, value]): [string, LuaValue] => [
      key.slice(legacyPrefix.length),
      value,
    ]),
    ...named.filter((entry) => !isLegacy(entry)),
  ];
}

/** `{activityId?, local?, options}`: what the call says, over the defaults of the entry that it calls. */
function activityOptions(entries: Entries, entry: LuaValue, options: LuaValue): LuaValue {
  const defaults = entries.get(String(entry))?.options as LuaValue;
  const merged = Object.fromEntries([...canonical(defaults), ...canonical(options)]);
  return asLua(parseActivityOptions(merged));
}

/** `{workflowId?, options, memo?, searchAttributes?}` of a child. */
function childOptions(_entries: Entries, options: LuaValue): LuaValue {
  return asLua(parseChildOptions(options));
}

/** Reads a table of options. @throws WippyError Invalid, naming the option */
type Reader = (entries: Entries, ...args: LuaValue[]) => LuaValue;

/**
 * The readers by name; those of one worker, which warns of each ignored option once.
 *
 * @param post sends a line of the log
 * @param now milliseconds since 1970
 */
export function workflowOptions(
  post: (line: FromWorker) => void,
  now: () => number,
): ReadonlyMap<string, Reader> {
  const unknown = new UnknownOptions((message) =>
    post({
      type: "log",
      record: { level: "warn", time: now(), logger: "workflow", message, fields: {} },
    })
  );
  const warning = (read: Reader): Reader => (entries, ...args) => {
    unknown.check(args.at(-1));
    return read(entries, ...args);
  };
  return new Map([
    ["workflow.activity_options", warning(activityOptions)],
    ["workflow.child_options", warning(childOptions)],
  ]);
}
