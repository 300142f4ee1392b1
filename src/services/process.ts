import type { Lifecycle } from "../registry/lifecycle.ts";
import type { LuaValue } from "../vm/value.ts";
import type { ServiceContext, StartedProcess } from "./context.ts";
import type { Service } from "./service.ts";

/** What {@link processAsService} runs. */
export interface ProcessStart {
  process: string;
  host: string;
  input: LuaValue[];
  security: Lifecycle["security"];
  /** Waits until the process, which has started, is ready. */
  ready?(process: StartedProcess): Promise<void>;
}

/** A process as a service: started in its identity, cancelled to stop it, terminated to kill it. */
export function processAsService({ units }: ServiceContext, start: ProcessStart): Service {
  let running: StartedProcess | undefined;
  return {
    start: async () => {
      // At each start: policies may have changed since the last.
      const frame = units.frame(start.security);
      const started = await units.spawn(start.process, start.host, frame, start.input);
      running = started;
      await start.ready?.(started);
      const process = { pid: started.pid, entry: start.process };
      return { ended: started.ended.then(() => {}), process };
    },
    stop: async () => await running?.cancel("service stopping"),
    kill: async () => await running?.terminate(),
  };
}
