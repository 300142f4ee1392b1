/**
 * Measures a peer's run of ten steps, inside of the peer's own program on Node:
 *
 *     alone COUNT        runs one after another; prints the milliseconds of each as a list
 *     together AT_ONCE SECONDS
 *                        rounds of AT_ONCE runs that are started at once, for about SECONDS;
 *                        prints {"steps", "seconds", "rounds"}
 *
 * Both warm up first, for 1.5 seconds or longer, and say "measuring" on standard error after that. What
 * bench/workflows/app does for wippy is the same.
 */

const steps = 10;
/** What a run returns: each step adds one. */
const expected = 10;

async function run(one) {
  const value = await one();
  if (value !== expected) throw new Error(`a run returned ${value}, not ${expected}`);
}

/** Milliseconds since `began`. */
const since = (began) => performance.now() - began;

/** Rounds until `milliseconds` have passed, at least one: how many they were and how long they took. */
async function rounds(one, atOnce, milliseconds) {
  const began = performance.now();
  let count = 0;
  do {
    await Promise.all(Array.from({ length: atOnce }, () => run(one)));
    count++;
  } while (since(began) < milliseconds);
  return { count, seconds: since(began) / 1_000 };
}

/** Does what the arguments say with `one`, which makes a run and gives its value. */
export async function measure(one, [mode, count, seconds]) {
  if (mode === "alone") {
    await rounds(one, 1, 2_000);
    console.error("measuring");
    const times = [];
    for (let i = 0; i < Number(count); i++) {
      const began = performance.now();
      await run(one);
      times.push(since(began));
    }
    console.log(JSON.stringify(times));
    return;
  }
  await rounds(one, Math.min(50, Number(count)), Math.max(1_500, Number(seconds) * 333));
  console.error("measuring");
  const made = await rounds(one, Number(count), Number(seconds) * 1_000);
  console.log(JSON.stringify({
    steps: made.count * Number(count) * steps,
    seconds: made.seconds,
    rounds: made.count,
  }));
}
