import type { Entry } from "../../registry/entry.ts";
import type { PartContext, PartFactory } from "../../worker/parts.ts";
import { WippyError } from "../../vm/error.ts";
import type { Lifecycle } from "../../registry/lifecycle.ts";
import type { Frame } from "../context.ts";
import { serviceFrame } from "../identity.ts";
import { type Address, Listener } from "./listener.ts";
import { type Counted, Meters } from "./meters.ts";
import type { HttpService } from "./schema.ts";
import type { Serving } from "./serving.ts";
import { Counts } from "./traffic.ts";

/** Longest delay of reported metrics, in milliseconds. */
const reportInterval = 20;

/** The settings of a server's part. */
export interface PartData {
  data: HttpService;
  counts: SharedArrayBuffer;
}

/** Commands of the server to a part, which answers each with its `step`. */
export type ToPart =
  & { step: number }
  & (
    | { listen: Address }
    /** Apply the current entries. */
    | { rebuild: true }
    /** Stop accepting requests, and answer when those in flight have a response. */
    | { drain: true }
  );

/** Messages of a part to the server. */
export type FromPart =
  | { step: number; failure?: ReturnType<WippyError["toJSON"]>; origin?: string; port?: number }
  /** The part's totals. */
  | { counted: Counted };

const nobody: Frame = {};

/** Builds what a listener uses from the context of a part. */
function servingOf(context: PartContext): Serving & { changed(): void } {
  const { entry: id, services, platform } = context;
  let entries: ReadonlyMap<string, Entry> | undefined;
  let frame: { security: Lifecycle["security"]; value: Frame } | undefined;
  const current = () =>
    entries ??= new Map([...services.entries()].map((entry) => [entry.id, entry]));
  return {
    get entry() {
      return services.entry(id)!;
    },
    get entries() {
      return current();
    },
    variables: services.environment,
    platform,
    volumes: services,
    log: (level, message, fields = {}) => context.log(level, message, fields),
    services: {
      ask: (service, operation, input, signal) =>
        services.ask({ service, operation, input, pid: id, signal }),
    },
    units: {
      // Policies change only with the entries.
      frame: (security) => {
        if (frame?.security !== security || frame === undefined) {
          const value = security
            ? serviceFrame(security, id, current(), services.environment)
            : nobody;
          frame = { security, value };
        }
        return frame.value;
      },
    },
    serve: (func, { frame, trace, checks }, own) =>
      context.call(func, frame !== nobody && frame, trace ?? false, checks, own.id),
    limiter: (name, limit) => ({
      take: async (client) => {
        const input = { name, client, limit: { ...limit } };
        return await services.ask({ service: id, operation: "take", input, pid: id }) === true;
      },
    }),
    changed() {
      entries = undefined;
      frame = undefined;
    },
  };
}

/** The part of a server that takes requests in the thread of a worker, whose functions serve them there. */
export const listenerPart: PartFactory = (context, given) => {
  const { data, counts: memory } = given as PartData;
  const serving = servingOf(context);
  const tell = (message: FromPart) => context.tell(message);
  let reporting = false;
  const meters = new Meters(() => {
    if (reporting) return;
    reporting = true;
    context.platform.setTimer(reportInterval, () => {
      reporting = false;
      tell({ counted: meters.counted });
    });
  });
  const listener = new Listener(serving, data, new Counts(memory), meters);
  const follow = async (order: ToPart): Promise<FromPart> => {
    const { step } = order;
    try {
      if ("drain" in order) {
        await listener.drain();
        return { step };
      }
      listener.rebuild();
      if ("rebuild" in order) return { step };
      await listener.listen(order.listen);
      return { step, origin: listener.origin!, port: listener.port! };
    } catch (error) {
      return { step, failure: WippyError.from(error).toJSON() };
    }
  };
  return {
    told: (message) => void follow(message as ToPart).then(tell),
    answer: (operation, input) => listener.answer(operation, input),
    changed: () => serving.changed(),
    close: () => void listener.end(),
  };
};
