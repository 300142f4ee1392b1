import { luaData } from "../../registry/entry-value.ts";
import { decodeEntry } from "../../registry/decode.ts";
import type { Entry } from "../../registry/entry.ts";
import { qualify } from "../../registry/entry.ts";
import { childId, name, schema } from "./schema.ts";
import type { Variables } from "../../registry/placeholder.ts";
import { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";

/** Milliseconds as the Lua side reads a duration: text with a unit. */
function durationText(value: number | string): string {
  return typeof value === "number" ? `${value}ms` : value;
}

/**
 * The specification of a tree, with the supervisors that it names inside, as `supervisor.run` takes it
 * (`lua/library/supervisor_spec.lua`).
 *
 * @throws WippyError Invalid when a supervisor is, over others, its own child, or a child names none
 */
export function supervisorSpec(
  entry: Entry,
  entries: ReadonlyMap<string, Entry>,
  variables: Variables,
  outer: readonly string[] = [],
): Record<string, LuaValue> {
  const path = [...outer, entry.id];
  if (outer.includes(entry.id)) {
    const circle = path.slice(path.indexOf(entry.id)).join(" → ");
    throw new WippyError("Invalid", `supervisors are children of each other: ${circle}`, {
      retryable: false,
    });
  }
  const data = decodeEntry({ schema: schema() }, entry, variables);
  const namespace = entry.id.slice(0, entry.id.indexOf(":"));
  const children = data.children.map((child): LuaValue => {
    const { process, supervisor, shutdown, input, ...rest } = child;
    const nested = supervisor === undefined
      ? undefined
      : entries.get(qualify(supervisor, namespace));
    if (supervisor !== undefined && nested?.kind !== name) {
      throw new WippyError(
        "NotFound",
        `child ${childId(child)} of ${entry.id}: there is no process.supervisor ${supervisor}`,
        { retryable: false },
      );
    }
    return {
      ...rest,
      id: childId(child),
      input: input.map(luaData),
      ...(process && { process: qualify(process, namespace) }),
      ...(nested && { supervisor: supervisorSpec(nested, entries, variables, path) }),
      ...(shutdown !== undefined && { shutdown: durationText(shutdown) }),
    };
  });
  const { host, strategy, intensity, period, auto_shutdown } = data;
  return { host, strategy, intensity, period: durationText(period), auto_shutdown, children };
}
