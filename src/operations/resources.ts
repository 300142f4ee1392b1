import { WippyError } from "../vm/error.ts";

/** Something that is open and must be closed. Closing twice is harmless. */
export interface Closable {
  close(): void | Promise<void>;
}

/** What one unit holds open, under numbers that its Lua code keeps. */
export class ResourceTable {
  readonly #open = new Map<number, Closable>();
  #last = 0;
  #ended = false;

  /**
   * Keeps a resource until it is removed or the unit ends.
   *
   * @throws WippyError Canceled when the unit has ended meanwhile; the resource is closed then
   */
  add(resource: Closable): number {
    if (this.#ended) {
      void resource.close();
      throw new WippyError("Canceled", "the unit has ended", { retryable: false });
    }
    this.#last += 1;
    this.#open.set(this.#last, resource);
    return this.#last;
  }

  /**
   * The resource of a number.
   *
   * @param type the class it must have
   * @throws WippyError Invalid when it is closed or of another class
   */
  get<Resource extends Closable>(
    id: number,
    type: abstract new (...args: never[]) => Resource,
  ): Resource {
    const resource = this.find(id, type);
    if (resource) return resource;
    throw new WippyError(
      "Invalid",
      "it is closed; in a workflow nothing stays open between steps",
      {
        retryable: false,
      },
    );
  }

  /** The resource of a number, unless it is closed or of another class. */
  find<Resource extends Closable>(
    id: number,
    type: abstract new (...args: never[]) => Resource,
  ): Resource | undefined {
    const resource = this.#open.get(id);
    return resource instanceof type ? resource : undefined;
  }

  /** Forgets a resource without closing it. Returns what was there. */
  remove(id: number): Closable | undefined {
    const resource = this.#open.get(id);
    this.#open.delete(id);
    return resource;
  }

  /** How many resources are open. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Closes everything, the last opened first; what is added later is closed at once. Never fails.
   */
  async closeAll(): Promise<void> {
    this.#ended = true;
    const resources = [...this.#open.values()].reverse();
    this.#open.clear();
    await Promise.allSettled(resources.map(async (resource) => await resource.close()));
  }
}
