/**
 * The tokens of what is handed to workers. A worker gives one back with its answer; only a provider
 * looks into it. Every token but a local one begins with the number of its provider, so that those
 * of two providers that share workers differ, and a run's tokens begin alike (`runPrefix`).
 * @module
 */

/** The task of a run, under one lease. */
export interface TaskKey {
  run: number;
  lease: number;
}

/** One attempt of an activity. */
export interface AttemptKey {
  run: number;
  seq: number;
  attempt: number;
}

/** Returns the token of a task, such as `1.42.3`. */
export function taskToken(provider: number, { run, lease }: TaskKey): string {
  return `${provider}.${run}.${lease}`;
}

/** Returns what `taskToken` was given; undefined for a token that is not a task's. */
export function readTaskToken(token: string): TaskKey | undefined {
  const [first, run, lease, more] = numbersOf(token);
  return first !== undefined && run !== undefined && lease !== undefined && more === undefined
    ? { run, lease }
    : undefined;
}

/** Returns the token of an attempt, such as `1.42.7.1`. */
export function attemptToken(provider: number, { run, seq, attempt }: AttemptKey): string {
  return `${provider}.${run}.${seq}.${attempt}`;
}

/** Returns what `attemptToken` was given; undefined for a token that is not an attempt's. */
export function readAttemptToken(token: string): AttemptKey | undefined {
  const [first, run, seq, attempt, more] = numbersOf(token);
  return first !== undefined && run !== undefined && seq !== undefined && attempt !== undefined &&
      more === undefined
    ? { run, seq, attempt }
    : undefined;
}

/** Numbers in decimal digits, separated by dots; none where a text is anything else. `split` takes twice as long. */
function numbersOf(text: string): number[] {
  const numbers: number[] = [];
  let number = -1;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit >= 0 && digit <= 9) number = Math.max(number, 0) * 10 + digit;
    else if (digit === -2 && number >= 0) {
      numbers.push(number);
      number = -1;
    } else return [];
  }
  if (number < 0) return [];
  numbers.push(number);
  return numbers;
}

/** Returns the token of a query, such as `1.query.12`. */
export function queryToken(provider: number, id: number): string {
  return `${provider}.query.${id}`;
}

/** Returns the id that `queryToken` was given; undefined for a token that is not a query's. */
export function readQueryToken(token: string): number | undefined {
  const [, kind, id] = token.split(".");
  return kind === "query" ? Number(id) : undefined;
}

/** Returns the token of an attempt of a local activity, which never leaves its worker. */
export function localToken(attempt: number): string {
  return `local.${attempt}`;
}

/** Whether a token is that of a local activity's attempt, also of one that is over. */
export function isLocalToken(token: string): boolean {
  return token.startsWith("local.");
}

/** Returns what all tokens of one run begin with: the numbers of provider and run. */
export function runPrefix(token: string): string {
  return token.slice(0, token.indexOf(".", token.indexOf(".") + 1));
}

/** Returns the activity's sequence number in an attempt's token, as text. */
export function seqOf(token: string): string {
  return token.split(".")[2] ?? "";
}

/** Returns what every attempt of an activity has in common, and no other activity has. */
export function idempotencyToken(runId: string, seq: number | string): string {
  return `${runId}.${seq}`;
}
