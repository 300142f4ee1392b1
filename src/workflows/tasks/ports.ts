import type { DirectPort, QueuePort, Task, Transport, WorkerAnswer } from "./tasks.ts";

/** Two connected ports in one thread. */
export function portPair(
  transport: Transport = (deliver) => deliver,
): [QueuePort, QueuePort] {
  const [one, other] = [new LocalPort(), new LocalPort()];
  one.send = transport((data) => other.receive(data));
  other.send = transport((data) => one.receive(data));
  return [one, other];
}

/** Like a `MessagePort`, keeps messages that arrive before there is a listener. */
class LocalPort implements QueuePort {
  send: (data: Uint8Array) => void = () => {};
  #early: Uint8Array[] = [];
  #listener: QueuePort["onmessage"] = null;

  get onmessage(): QueuePort["onmessage"] {
    return this.#listener;
  }

  set onmessage(listener: QueuePort["onmessage"]) {
    this.#listener = listener;
    for (const data of this.#early.splice(0)) this.receive(data);
  }

  receive(data: Uint8Array): void {
    if (this.#listener) this.#listener({ data } as MessageEvent<Uint8Array>);
    else this.#early.push(data);
  }

  postMessage(data: Uint8Array): void {
    this.send(data);
  }

  close(): void {
    this.send = () => {};
  }
}

/** Hands items over within a thread, in order, in jobs of their own: a call back never nests in the one that sent. */
class Handover<Item> {
  #items: Item[] = [];
  #take: ((items: Item[]) => void) | undefined;
  #closed = false;

  /** Those that have come before `take` is known wait for it. */
  set take(take: (items: Item[]) => void) {
    this.#take = take;
    if (this.#items.length > 0) queueMicrotask(this.#pass);
  }

  send(items: readonly Item[]): void {
    if (this.#closed) return;
    if (this.#items.length === 0) queueMicrotask(this.#pass);
    this.#items.push(...items);
  }

  close(): void {
    this.#closed = true;
    this.#items = [];
  }

  readonly #pass = (): void => {
    if (!this.#take || this.#items.length === 0) return;
    const items = this.#items;
    this.#items = [];
    this.#take(items);
  };
}

/** The provider's end of a direct way. */
export interface ProviderEnd {
  send(task: Task): void;
  close(): void;
}

/** A way between a provider and a worker on one thread. @param onAnswers takes what the worker answers */
export function directPair(
  onAnswers: (answers: WorkerAnswer[]) => void,
): [ProviderEnd, DirectPort] {
  const tasks = new Handover<Task>();
  const answers = new Handover<WorkerAnswer>();
  answers.take = onAnswers;
  const close = () => {
    tasks.close();
    answers.close();
  };
  return [
    { send: (task) => tasks.send([task]), close },
    {
      answer: (items) => answers.send(items),
      set onTasks(handler: (tasks: Task[]) => void) {
        tasks.take = handler;
      },
      close,
    },
  ];
}
