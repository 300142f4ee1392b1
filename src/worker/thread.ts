/**
 * Entry of a worker's thread: the first message makes the worker, the others are batches for it.
 * @module
 */
import { currentThread } from "../platform/thread-run.ts";
import { WippyError } from "../vm/error.ts";
import { postBatch, toWorker } from "./batch.ts";
import { loadKernelImage } from "./kernel-image.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { beatInterval, Pulse } from "./pulse.ts";
import { createServices, type ServiceOptions } from "./services.ts";
import type { WorkerOptions } from "./options.ts";
import { LuaWorker } from "./worker.ts";

/** What a thread needs to make its worker; the services are made in the thread. */
export interface ThreadStart {
  options: Omit<WorkerOptions, "services" | "terminalOf">;
  services: ServiceOptions;
}

declare const self: {
  onmessage: (event: { data: ThreadStart | Uint8Array | ToWorker[] }) => void;
};
declare function postMessage(
  data: Uint8Array | FromWorker[],
  transfer?: (ArrayBuffer | MessagePort)[],
): void;

// Read beside what the node does until it sends the first message; a failure is told when the worker meets it.
loadKernelImage().catch(() => {});

let worker: LuaWorker | undefined;
const early: ToWorker[][] = [];

async function start({ options, services }: ThreadStart): Promise<void> {
  try {
    worker = await LuaWorker.start(
      {
        ...options,
        services: createServices(services, (storage, key, value) => {
          postMessage([{ type: "environment", storage, key, value }]);
          worker?.fence();
        }),
        terminalOf: () => undefined,
      },
      (messages) => postBatch(messages, (data, moved) => postMessage(data as FromWorker[], moved)),
    );
  } catch (error) {
    const failure = WippyError.from(error).toJSON();
    postMessage([{ type: "died", failure }]);
    return;
  }
  const pulse = new Pulse(options.pulses, options.index);
  pulse.thread = currentThread();
  setInterval(() => pulse.beat(), beatInterval);
  for (const batch of early.splice(0)) worker.receive(batch);
}

self.onmessage = ({ data }) => {
  if (!Array.isArray(data) && !(data instanceof Uint8Array)) void start(data);
  else if (Array.isArray(data) && data[0]?.type === "end") worker?.close();
  else if (worker) worker.receive(toWorker(data));
  else early.push(toWorker(data));
};
