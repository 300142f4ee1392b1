import type { LuaValue } from "../../../vm/value.ts";
import { WippyError } from "../../../vm/error.ts";
import { bytesOf, type OperationServices, type Permission } from "../../operation.ts";
import { systemFailure } from "./failure.ts";

/** The volume of all files, which a script has unless it runs in the sandbox: who may open it may do all this. */
const root = "script:root";

/** What a unit with an actor and a scope must be allowed to do. */
export const rootPermission = (): Permission => ({ action: "fs.get", resource: root });

/** @throws WippyError PermissionDenied where there are no files to reach: in applications and in the sandbox */
export function requireRoot(services: OperationServices): void {
  if (services.entry(root)) return;
  throw new WippyError("PermissionDenied", "only scripts outside of the sandbox reach files so", {
    retryable: false,
  });
}

/** A path of the program, seen from its directory. @throws WippyError PermissionDenied */
export function pathOf(services: OperationServices, path: string | Uint8Array): Buffer {
  requireRoot(services);
  const bytes = Buffer.from(bytesOf(path));
  if (bytes[0] === 47) return bytes;
  return Buffer.concat([Buffer.from(`${services.directory}/`), bytes]);
}

/** The result of `work`, or its failure as a list of message and error number. */
export async function attemptWaiting(work: () => Promise<LuaValue>): Promise<LuaValue> {
  try {
    return await work();
  } catch (error) {
    return systemFailure(error);
  }
}
