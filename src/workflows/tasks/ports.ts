import type { QueuePort, Transport } from "./tasks.ts";

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
