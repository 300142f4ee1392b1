import { WippyError } from "../vm/error.ts";

/** Namespace of the entries that every runtime has. */
const builtinNamespace = "wippy";

/** @throws WippyError Invalid for an identifier of the runtime's own namespace */
export function refuseReserved(id: string): void {
  if (!id.startsWith(`${builtinNamespace}:`)) return;
  throw new WippyError(
    "Invalid",
    `${id}: the namespace ${builtinNamespace} is the runtime's own; choose another`,
    { retryable: false },
  );
}
