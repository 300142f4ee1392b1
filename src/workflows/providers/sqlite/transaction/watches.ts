/** Who waits for the end of which chain of runs. Chains are named by the id of their first run. */
export class Watches {
  readonly #byChain = new Map<string, Set<number>>();
  readonly #chainOf = new Map<number, string>();

  add(chain: string, watch: number): void {
    const watches = this.#byChain.get(chain) ?? new Set();
    this.#byChain.set(chain, watches.add(watch));
    this.#chainOf.set(watch, chain);
  }

  delete(watch: number): void {
    const chain = this.#chainOf.get(watch);
    if (chain === undefined) return;
    this.#chainOf.delete(watch);
    const watches = this.#byChain.get(chain);
    watches?.delete(watch);
    if (watches?.size === 0) this.#byChain.delete(chain);
  }

  of(chain: string): Iterable<number> {
    return this.#byChain.get(chain) ?? [];
  }
}
