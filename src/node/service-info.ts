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
