import { type LinkPlace, Links } from "./links.ts";
import type { FromWorker } from "./messages.ts";

/** What a worker sends: one batch to the node and one to each other worker, at the end of a turn. */
export class Mail {
  /** The direct ways to the other workers. */
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

  /** Tells the node what need not precede what is sent to other workers. */
  tell(message: FromWorker): void {
    this.#outgoing.push(message);
  }

  /** Posts what was sent. */
  flush(): void {
    // Fences have to be told before what is behind them goes out.
    this.links.pack();
    if (this.#outgoing.length > 0) {
      const batch = this.#outgoing;
      this.#outgoing = [];
      this.#post(batch);
    }
    this.links.flush();
  }
}
