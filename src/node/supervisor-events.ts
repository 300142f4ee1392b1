import type { LogSink } from "../observe/log.ts";
import { WippyError } from "../vm/error.ts";
import type { Bus } from "./bus.ts";
import { serviceValue } from "./service-info.ts";
import type { Services } from "./services.ts";

/**
 * Events of system `supervisor`, path = identifier. Each change of a service is a `service.update`; a
 * `service.start` starts one with what it requires, a `service.stop` stops one after what requires it. A command
 * that fails is logged.
 */
export function connectServices(
  bus: Bus,
  services: Services,
  log: LogSink,
  now: () => number,
): void {
  services.changed = (info) =>
    bus.publish({
      system: "supervisor",
      kind: "service.update",
      path: info.id,
      data: serviceValue(info),
    });
  const obey = (kind: "start" | "stop") => {
    bus.subscribe({ system: "supervisor", kind: `service.${kind}` }, ({ path }) => {
      services[kind](path).catch((error) =>
        log.log({
          level: "error",
          time: now(),
          logger: "supervisor",
          message: `service.${kind} of ${path}: ${WippyError.from(error).message}`,
          fields: {},
        })
      );
    });
  };
  obey("start");
  obey("stop");
}
