import type { LuaValue } from "../vm/value.ts";

/** States of a service, as `system.supervisor` and `wippy status` report them. */
export type ServiceState =
  | "unknown"
  | "starting"
  | "running"
  | "stopping"
  | "stopped"
  | "exited"
  | "failed";

/** A service as tools show it. */
export type ServiceInfo = {
  id: string;
  status: ServiceState;
  desired: "running" | "stopped";
  retry_count: number;
  last_update: number;
  started_at: number;
  details?: string;
};

/** As Lua gets it: times are integers. */
export function serviceValue({ last_update, started_at, ...info }: ServiceInfo): LuaValue {
  return { ...info, last_update: BigInt(last_update), started_at: BigInt(started_at) };
}
