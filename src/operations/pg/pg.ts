import { pgScope } from "../../registry/kinds/process-group.ts";
import { z } from "../../registry/schema.ts";
import { WippyError } from "../../vm/error.ts";
import { defineOperation, type Operation } from "../operation.ts";

const find = defineOperation({
  name: "pg.find",
  summary: "Checks that an entry is a scope of process groups.",
  mode: "immediate",
  arguments: () => [z.string()],
  run({ services }, id) {
    const kind = services.entry(id)?.kind;
    if (kind === pgScope.name) return true;
    throw kind === undefined
      ? new WippyError("Internal", `pg scope not found: ${id}`, { retryable: false })
      : new WippyError("Invalid", `${id} is a ${kind}, not a ${pgScope.name}`, {
        retryable: false,
      });
  },
});

/** Host operations of the Lua module `pg`; the groups themselves are the node's. */
export const pg: readonly Operation[] = [find];
