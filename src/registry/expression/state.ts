import { ExpressionError, type Place } from "./source.ts";
import type { Value, ValueMap } from "./value.ts";

/** What a predicate looks at. */
export interface Item {
  value: Value;
  index: number;
  accumulator: Value;
}

/** Bounds of one run. */
export const mostSteps = 5_000_000;
export const mostItems = 1_000_000;
export const mostCharacters = 16_000_000;

/** One run of an expression: its variables, and what it has used up. */
export class State {
  /** Variables of `let`, by the slots that the evaluator gave them. */
  readonly slots: Value[] = [];
  item: Item | undefined;
  #steps = 0;
  #items = 0;
  #characters = 0;

  /**
   * @param env what names stand for
   * @param now nanoseconds since 1970
   */
  constructor(readonly env: ValueMap, readonly now: bigint) {}

  /** Counts one evaluated part. */
  step(place: Place, count = 1): void {
    this.#steps += count;
    if (this.#steps > mostSteps) {
      throw new ExpressionError(`the expression takes more than ${mostSteps} steps`, place);
    }
  }

  /** Counts items that arrays and maps are made of. */
  items(count: number, place: Place): void {
    this.#items += count;
    if (this.#items > mostItems) throw new ExpressionError("memory budget exceeded", place);
  }

  /** Counts the characters of a text that was made, or is about to be. */
  characters(count: number, place: Place): void {
    this.#characters += count;
    if (this.#characters > mostCharacters) {
      throw new ExpressionError("memory budget exceeded", place);
    }
  }
}
