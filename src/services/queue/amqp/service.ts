import { asLua } from "../../../vm/value.ts";
import type { ServiceContext } from "../../context.ts";
import { DriverService } from "../driver-service.ts";
import type { AmqpDriverSettings } from "../schema.ts";
import { AmqpDriver } from "./amqp.ts";

/** A connection to a broker as a service. */
export function runAmqpDriver(
  { platform, log }: ServiceContext,
  settings: AmqpDriverSettings,
): DriverService {
  const driver = new AmqpDriver(settings, { platform, log });
  const { host } = new URL(settings.url);
  return new DriverService(driver, {
    open: () => driver.connection.open(),
    close: () => driver.connection.close(),
    inspect: () =>
      asLua({
        broker: host,
        connected: driver.connection.isLive,
        connections_made: driver.connection.made,
        queues: driver.queues.size,
      }),
    figures: () => [
      {
        name: "wippy_queue_broker_connected",
        help: "Whether there is a connection to the broker.",
        value: driver.connection.isLive ? 1 : 0,
      },
    ],
  });
}
