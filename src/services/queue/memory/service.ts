import type { ServiceContext } from "../../context.ts";
import { DriverService } from "../driver-service.ts";
import { MemoryDriver } from "./memory.ts";

/** Queues in memory as a service. */
export function runMemoryDriver({ platform }: ServiceContext): DriverService {
  const driver = new MemoryDriver(platform);
  return new DriverService(driver, {
    open() {},
    close: () => driver.clear(),
    inspect: () => ({ queues: driver.size }),
  });
}
