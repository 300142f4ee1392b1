import { lazy } from "../registry/lazy.ts";
import { pack } from "../vm/codec.ts";
import { WippyError } from "../vm/error.ts";
import type { LuaState } from "../vm/exports.ts";
import { type LuaValue, numberOf } from "../vm/value.ts";
import type { Vm } from "../vm/vm.ts";
import type { Publication, PublicationsHost } from "./send-publications.ts";

/** Read when the first message is published. */
const sending = lazy(() => import("./send-publications.ts"));

/** @throws WippyError Invalid for bytes that are no text */
function textOf(value: LuaValue, what: string): string {
  if (typeof value === "string") return value;
  throw new WippyError("Invalid", `queue.publish: ${what} is text`, { retryable: false });
}

/**
 * What the units of a worker publish to queues. The messages of one turn cross to their queue together, and their units
 * are answered together: by itself each would cost several times as much as the queue.
 */
export class Publications {
  readonly #host: PublicationsHost;
  /** Of this turn, by queue. */
  readonly #turn = new Map<string, Publication[]>();

  constructor(host: PublicationsHost) {
    this.#host = host;
  }

  /** host.publish(ticket, work, pid, queue, data, headers, id, delay). @throws WippyError what cannot leave */
  take(vm: Vm, L: LuaState): number {
    const queue = textOf(vm.read(L, 4), "a queue id");
    const headers = vm.read(L, 6);
    const id = vm.read(L, 7);
    const publication: Publication = {
      ticket: Number(vm.read(L, 1)),
      signal: this.#host.signalOf(Number(vm.read(L, 2))),
      pid: String(vm.read(L, 3)),
      message: {
        body: vm.pack(L, 5),
        headers: headers === undefined ? undefined : pack(headers),
        id: id === undefined ? undefined : textOf(id, "the id of a message"),
        delay: numberOf(vm.read(L, 8)) || 0,
      },
    };
    const present = this.#turn.get(queue);
    if (present) present.push(publication);
    else {
      this.#turn.set(queue, [publication]);
      this.#host.during(this.#send(queue));
    }
    return 0;
  }

  async #send(queue: string): Promise<void> {
    const { sendPublications } = await sending();
    const all = this.#turn.get(queue)!;
    this.#turn.delete(queue);
    await sendPublications(this.#host, queue, all);
  }
}
