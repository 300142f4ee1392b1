import { TokenStore } from "../operations/security/tokens.ts";
import type { RunningServices, ServiceContext } from "./context.ts";

/**
 * The token store of an entry, for a service that checks tokens: name the entry's store in `requires`, so that it runs.
 *
 * @param signal aborted when nobody waits any more
 * @throws WippyError NotFound when the entry is none, Invalid
 */
export function tokenStoreOf(
  { entries, variables, services, platform }:
    & Pick<ServiceContext, "entries" | "variables" | "platform">
    & { services: Pick<RunningServices, "ask"> },
  id: string,
  signal: AbortSignal,
): TokenStore {
  return TokenStore.of(id, {
    entry: (name) => entries.get(name),
    variables,
    ask: (store, operation, input) => services.ask(store, operation, input, signal),
    random: (count) => platform.random.bytes(count),
    now: () => platform.now(),
  });
}
