import { type Figure, type Service, type Started, untilStopped } from "../service.ts";
import type { LuaValue } from "../../vm/value.ts";
import type { QueueDriver } from "./driver.ts";

/** What runs a driver. */
export interface DriverLife {
  /** Connects. `failed` ends the service with an error, also later. */
  open(failed: (error: unknown) => void): Promise<void> | void;
  close(): Promise<void> | void;
  kill?(): Promise<void> | void;
  inspect?(): LuaValue;
  figures?(): Figure[];
}

/** A driver as a service, where queues find it. */
export class DriverService implements Service {
  readonly #life: Service;

  constructor(readonly driver: QueueDriver, readonly life: DriverLife) {
    this.#life = untilStopped({
      open: (failed) => life.open(failed),
      close: () => life.close(),
      ...(life.kill && { kill: () => life.kill!() }),
    });
  }

  start(): Promise<Started> {
    return this.#life.start();
  }

  stop(): Promise<void> {
    return this.#life.stop();
  }

  kill(): Promise<void> {
    return this.#life.kill();
  }

  inspect(): LuaValue {
    return this.life.inspect?.();
  }

  figures(): Figure[] {
    return this.life.figures?.() ?? [];
  }
}
