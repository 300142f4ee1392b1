import { createApi } from "./admin.ts";
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
  const api = createApi(target, () => owner);
  return await openSocket(stateDir, (request) => api.fetch(request));
}
