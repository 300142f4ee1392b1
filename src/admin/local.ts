import { lazy } from "../registry/lazy.ts";
import type { Caller } from "./right.ts";
import type { AdminTarget } from "./route.ts";
import { isPrivate, type OpenSocket, openSocket } from "./socket.ts";

/** Opens the local socket of a runtime; undefined when another one has it. */
export async function openLocal(
  target: AdminTarget,
  stateDir: string,
): Promise<OpenSocket | undefined> {
  const owner: Caller = {
    role: () => "admin",
    name: "local",
    get debugs() {
      return isPrivate(stateDir);
    },
  };
  // Most runtimes are never asked anything over it.
  const api = lazy(() =>
    import("./admin.ts").then(({ createApi }) => createApi(target, () => owner))
  );
  return await openSocket(stateDir, async (request) => (await api()).fetch(request));
}
