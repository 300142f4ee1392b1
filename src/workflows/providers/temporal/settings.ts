import type { ProviderOptions } from "../../provider.ts";
import type { Connection } from "./connection/connection.ts";
import type { WorkerSettings } from "./connection/settings.ts";
import type { Conversion } from "./conversion.ts";

/** A durable host and the task queue that its workers take from. */
export interface TemporalHost extends WorkerSettings {
  hostId: string;
}

export interface TemporalProviderOptions extends ProviderOptions {
  /** Opens the connection; called by `open`. */
  connect: () => Promise<Connection>;
  conversion: Conversion;
  /** The hosts whose tasks this provider takes. The first one is that of runs whose own is unknown. */
  hosts: TemporalHost[];
  /** The task queue of a host of another provider. @default its id */
  queueOf?: (hostId: string) => string | undefined;
  /** Returns the URL of a run in the Temporal Web UI. @default none */
  pageOf?: (workflowId: string, runId: string) => string;
  /** Whether search attributes that the server does not know are added to it. @default false */
  addSearchAttributes?: boolean;
}
