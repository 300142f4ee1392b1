import type { Entry } from "../../registry/entry.ts";
import { WippyError } from "../../vm/error.ts";
import type { WorkflowTypes } from "../../workflows/providers/providers.ts";

/** The types of an application's workflows: what `meta.temporal.workflow.name` says, else their ids. */
export class EntryTypes implements WorkflowTypes {
  #types: ReadonlyMap<string, string> = new Map();
  #entries: ReadonlyMap<string, string> = new Map();

  /** @throws WippyError as `read` */
  constructor(entries: Iterable<Entry>) {
    this.read(entries);
  }

  typeOf(entry: string): string {
    return this.#types.get(entry) ?? entry;
  }

  entryOf(type: string): string {
    return this.#entries.get(type) ?? type;
  }

  /** Reads the entries as they are now. @throws WippyError Invalid when two workflows have one type */
  read(entries: Iterable<Entry>): void {
    const types = new Map<string, string>();
    const ids = new Map<string, string>();
    for (const entry of entries) {
      if (entry.kind !== "workflow.lua") continue;
      const type = namedType(entry) ?? entry.id;
      const other = ids.get(type);
      if (other !== undefined) {
        throw new WippyError(
          "Invalid",
          `${other} and ${entry.id} have the same workflow type "${type}"; ` +
            "hint: change meta.temporal.workflow.name of one of them",
          { retryable: false },
        );
      }
      types.set(entry.id, type);
      ids.set(type, entry.id);
    }
    this.#types = types;
    this.#entries = ids;
  }
}

/** @throws WippyError Invalid when it is no text */
function namedType({ id, meta }: Entry): string | undefined {
  const temporal = meta["temporal"] as { workflow?: { name?: unknown } } | undefined;
  const name = temporal?.workflow?.name;
  if (name === undefined || (typeof name === "string" && name !== "")) return name;
  throw new WippyError("Invalid", `meta.temporal.workflow.name of ${id} must be text`, {
    retryable: false,
  });
}
