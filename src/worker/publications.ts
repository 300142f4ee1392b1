import { pack } from "../vm/codec.ts";
import { WippyError } from "../vm/error.ts";
import type { LuaState } from "../vm/exports.ts";
import { type LuaValue, numberOf } from "../vm/value.ts";
import type { Vm } from "../vm/vm.ts";
import type { PublicationsHost, Turn } from "./send-publications.ts";

type Sending = typeof import("./send-publications.ts");

let loaded: Sending | undefined;

/** Read when the first message is published. */
const sending = (): Sending => loaded ??= require("./send-publications.ts") as Sending;

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
  readonly #turns = new Map<string, Turn>();
  /** One that was sent. */
  #spare: Turn | undefined;

  constructor(host: PublicationsHost) {
    this.#host = host;
  }

  /** host.publish(ticket, work, pid, queue, data, headers, id, delay). @throws WippyError what cannot leave */
  take(vm: Vm, L: LuaState): number {
    const queue = textOf(vm.read(L, 4), "a queue id");
    const headers = vm.read(L, 6);
    const id = vm.read(L, 7);
    const message = {
      headers: headers === undefined ? undefined : pack(headers),
      id: id === undefined ? undefined : textOf(id, "the id of a message"),
      delay: numberOf(vm.read(L, 8)) || 0,
    };
    const present = this.#turns.get(queue);
    const turn = present ?? this.#spare ?? new (sending().Turn)();
    turn.messages.begin(message);
    vm.packer.write(L, 5, turn.messages);
    const unit = this.#host.unitOf(Number(vm.read(L, 2)));
    if (unit.pid === "") unit.pid = String(vm.read(L, 3));
    turn.add(Number(vm.read(L, 1)), unit);
    if (!present) {
      this.#spare = undefined;
      this.#turns.set(queue, turn);
      this.#host.during(this.#send(queue, turn));
    }
    return 0;
  }

  async #send(queue: string, turn: Turn): Promise<void> {
    // What is published until then goes along.
    await undefined;
    this.#turns.delete(queue);
    await sending().sendPublications(this.#host, queue, turn);
    turn.clear();
    this.#spare = turn;
  }
}
