import { packPlain, unpackPlain } from "../../../history/history.ts";
import { packTasks, unpackAnswers } from "../../../tasks/wire.ts";
import type { ProviderPlatform } from "../../../provider.ts";
import type { Journal } from "../journal.ts";
import { journalThread } from "./journal-thread.ts";
import type { Asker, JournalRequest, NodeEvent } from "../protocol.ts";
import { portPair } from "../../../tasks/ports.ts";
import type { QueuePort, Transport, WorkerAnswer } from "../../../tasks/tasks.ts";

/** The way to a journal, wherever it runs. */
export interface JournalLink {
  send(requests: JournalRequest[]): void;
  /** Makes a transport between a worker and the journal. @returns the worker's end */
  connect(worker: number, loads?: Int32Array): QueuePort;
  /** Ends the journal's thread, if it has one. */
  end(): void;
}

/** What a link brings back. */
export interface JournalListener {
  events(events: NodeEvent[]): void;
  /** The journal's thread broke down; nothing more comes. */
  broken(message: string): void;
}

/** Hands the journal's thread its end of the port to a worker. */
export interface Connect {
  worker: number;
  port: MessagePort;
  loads?: Int32Array;
}

/** What a program does not read whose journals have threads. */
const journals = () => require("../journal.ts") as typeof import("../journal.ts");

/** A journal on a thread of its own. */
export function threadLink(listener: JournalListener): JournalLink {
  const thread = journalThread.take();
  thread.onmessage = (event: MessageEvent<Uint8Array>) => {
    listener.events(unpackPlain(event.data));
  };
  thread.onerror = (event) => listener.broken(event.message);
  return {
    send(requests) {
      const bytes = packPlain(requests);
      thread.postMessage(bytes, [bytes.buffer as ArrayBuffer]);
    },
    connect(worker, loads) {
      const { port1, port2 } = new MessageChannel();
      const connect: Connect = { worker, port: port1, ...loads && { loads } };
      thread.postMessage(connect, [port1]);
      return port2;
    },
    end: () => thread.terminate(),
  };
}

/**
 * A journal on the caller's thread: for programs that run a moment only, and for tests, which give
 * it a clock of their own. Messages are packed here too, so that both sides never share an object.
 *
 * @param transport how messages of workers travel; at once, unless given.
 */
export function inlineLink(
  listener: JournalListener,
  platform: ProviderPlatform,
  transport: Transport = (deliver) => deliver,
): JournalLink {
  const ports = new JournalPorts();
  const journal = new (journals().Journal)(platform, {
    tell: (events) => listener.events(unpackPlain(packPlain(events))),
    dispatch: (worker, tasks) => ports.dispatch(worker, tasks),
  });
  return {
    send: (requests) => journal.receive(unpackPlain(packPlain(requests))),
    connect(worker, loads) {
      const [ours, theirs] = portPair(transport);
      ports.open(journal, { worker, port: ours, ...loads && { loads } });
      return theirs;
    },
    end() {},
  };
}

/** The journal's ends of the ways to the workers. */
export class JournalPorts {
  readonly #ports = new Map<number, QueuePort>();

  /** Takes a worker's port, in place of that of the worker before it. */
  open(
    journal: Journal,
    { worker, port, loads }: Omit<Connect, "port"> & { port: QueuePort },
  ): void {
    this.#ports.get(worker)?.close();
    this.#ports.set(worker, port);
    const asker = {
      tell: (answers: Parameters<Asker["tell"]>[0]) => {
        if (this.#ports.get(worker) === port) this.dispatch(worker, answers);
      },
    };
    port.onmessage = ({ data }) => {
      // What a worker said before it died comes too late.
      if (this.#ports.get(worker) !== port) return;
      journal.receive(unpackAnswers(data).map((answer) => requestOf(worker, answer, asker)));
    };
    journal.receive([{ type: "connect", worker, ...loads && { loads } }]);
  }

  dispatch(worker: number, tasks: Parameters<typeof packTasks>[0]): void {
    const bytes = packTasks(tasks);
    this.#ports.get(worker)?.postMessage(bytes, [bytes.buffer as ArrayBuffer]);
  }
}

function requestOf(worker: number, answer: WorkerAnswer, asker: Asker): JournalRequest {
  if (answer.type !== "signal") return { type: "answered", worker, answer };
  const { ticket: id, workflowId, data } = answer.signal;
  return { type: "signal", id, workflowId, data, asker };
}
