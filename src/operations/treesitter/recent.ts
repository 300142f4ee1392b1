/** The values that were used last, by key; the least recently used one is dropped for a new one. */
export class Recent<Value> {
  readonly #values = new Map<string, Value>();

  /**
   * @param most how many are kept
   * @param drop frees one that is no longer kept
   */
  constructor(readonly most: number, readonly drop: (value: Value) => void) {}

  /** The value of a key; a new one is made if there is none. What `make` throws is thrown. */
  get(key: string, make: () => Value): Value {
    const known = this.#values.get(key);
    const value = known ?? make();
    this.#values.delete(key);
    this.#values.set(key, value);
    const [oldest] = this.#values;
    if (this.#values.size > this.most && oldest !== undefined) {
      this.#values.delete(oldest[0]);
      this.drop(oldest[1]);
    }
    return value;
  }
}
