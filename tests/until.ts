/**
 * Waits for what a test provokes, without guessing how long that takes.
 * @module
 */

/** Milliseconds after which what was waited for is taken to never come. */
const limit = 30_000;

type Truthy<Answer> = Exclude<Answer, undefined | null | false | 0 | "">;

/**
 * Asks again and again until the answer is truthy, or as wanted, and returns it.
 *
 * @param within milliseconds to wait for something that takes long on a busy machine; 30 seconds unless given
 * @throws Error after that time, with the code of the question
 *
 * @example
 * ```ts
 * await until(() => application.notes().length > 0);
 * const logs = await until(() => shop.wippy("logs"), ({ out }) => out.includes("counted"));
 * ```
 */
export function until<Answer>(ask: () => Answer | Promise<Answer>): Promise<Truthy<Answer>>;
export function until<Answer>(
  ask: () => Answer | Promise<Answer>,
  wanted: (answer: Answer) => boolean,
  within?: number,
): Promise<Answer>;
export async function until<Answer>(
  ask: () => Answer | Promise<Answer>,
  wanted: (answer: Answer) => boolean = Boolean,
  within = limit,
): Promise<Answer> {
  const end = performance.now() + within;
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    if (performance.now() > end) throw new Error(`waited ${within / 1000} s in vain: ${ask}`);
    await Bun.sleep(2);
  }
}
