/**
 * Option tables of workflow code, read before anything is scheduled. Pure functions of the Lua side:
 * `host.pure("workflow.activity_options", entry, options)` and `host.pure("workflow.child_options", options)`.
 * @module
 */
import { lazy } from "../registry/lazy.ts";
import { asLua, type LuaValue } from "../vm/value.ts";
import type { CodeEntry, FromWorker } from "./messages.ts";

type Entries = ReadonlyMap<string, CodeEntry>;

const legacyPrefix = "temporal.";

/** What is read when there are options: most scripts have none. */
const table = lazy(() =>
  require(
    "../workflows/options/option-table.ts",
  ) as typeof import("../workflows/options/option-table.ts")
);
const unknowns = () =>
  require(
    "../workflows/options/unknown-options.ts",
  ) as typeof import("../workflows/options/unknown-options.ts");

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
  return asLua(table().parseActivityOptions(merged));
}

/** `{workflowId?, options, memo?, searchAttributes?}` of a child. */
function childOptions(_entries: Entries, options: LuaValue): LuaValue {
  return asLua(table().parseChildOptions(options));
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
  const warn = (message: string) =>
    post({
      type: "log",
      record: { level: "warn", time: now(), logger: "workflow", message, fields: {} },
    });
  const unknown = lazy(() => new (unknowns().UnknownOptions)(warn));
  const warning = (read: Reader): Reader => (entries, ...args) => {
    unknown().check(args.at(-1));
    return read(entries, ...args);
  };
  return new Map([
    ["workflow.activity_options", warning(activityOptions)],
    ["workflow.child_options", warning(childOptions)],
  ]);
}
