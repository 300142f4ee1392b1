import { type LinkPlace, Links } from "./links.ts";
import type { FromWorker } from "./messages.ts";

/** Outgoing messages of a worker: at the end of a turn, one batch to the node and one to each other worker. */
export class Mail {
  /** The direct links to the other workers. */
  readonly links: Links;
  readonly #post: (messages: FromWorker[]) => void;
  #outgoing: FromWorker[] = [];

  /**
   * @param post sends a batch to the node
   * @param version of the application that the worker was started with
   */
  constructor(
    post: (messages: FromWorker[]) => void,
    place: Omit<LinkPlace, "tell">,
    version: number,
  ) {
    this.#post = post;
    this.links = new Links({ ...place, tell: (message) => this.#outgoing.push(message) }, version);
  }

  /** Sends to the node, or directly to the worker that it is for. */
  send(message: FromWorker): void {
    if (message.type === "request" || message.type === "answer") {
      if (this.links.has(message.to)) return this.links.send(message.to, message);
      if (message.type === "request" && message.ticket === 0) this.links.raiseFences();
    }
    this.#outgoing.push(message);
  }

  /** Sends to the node without ordering later messages to other workers behind it. */
  tell(message: FromWorker): void {
    this.#outgoing.push(message);
  }

  /** Posts what was sent. */
  flush(): void {
    // Fences must be sent before the messages behind them.
    this.links.pack();
    if (this.#outgoing.length > 0) {
      const batch = this.#outgoing;
      this.#outgoing = [];
      this.#post(batch);
    }
    this.links.flush();
  }
}
