/**
 * What the workload does: its jobs, how large they are, and what each has to answer.
 * @module
 */

/** A job, as `command.lua` starts it. */
export interface Job {
  name: string;
  /** Its workflow, without namespace. */
  entry: string;
  /** After its name. */
  args: unknown[];
  /** What is wrong with its answer; undefined when nothing is. */
  fault(answer: unknown): string | undefined;
}

export type Plan = Job[];

function answers(due: unknown): Job["fault"] {
  return (answer) =>
    Bun.deepEquals(answer, due)
      ? undefined
      : `answers ${JSON.stringify(answer)}, not ${JSON.stringify(due)}`;
}

/** The names of all steps that a `job` has. */
function stepsOf(name: string, rounds: number): string[] {
  const ids: string[] = [];
  for (let round = 1; round <= rounds; round++) {
    const id = `${name}/${round}`;
    ids.push(`${id}/a`, `${id}/b`, `${id}/c`, `${id}/local`);
    if (round % 3 === 0) ids.push(`${id}/part/1`, `${id}/part/2`, `${id}/part/3`);
  }
  return ids.sort();
}

/** Loops with activities, timers, children, updates, versions, attributes and continue-as-new. */
function job(name: string, rounds: number): Job {
  const marks = Object.fromEntries(Array.from({ length: rounds }, (_, i) => [`mark-${i + 1}`, 1]));
  const due = {
    steps: stepsOf(name, rounds),
    parts: 3 * Math.floor(rounds / 3),
    marks,
    asked: rounds,
    pid: `{chaos:durable|${name}}`,
  };
  return {
    name,
    entry: "job",
    args: [rounds],
    fault(answer) {
      const { values = {}, parts, marks, asked, pid } = Object(answer);
      return answers(due)({ steps: Object.keys(values).sort(), parts, marks, asked, pid });
    },
  };
}

function chat(name: string, peers: string[], rounds: number): Job {
  const heard = peers.filter((peer) => peer !== name).map((peer) => [peer, rounds]);
  return {
    name,
    entry: "chat",
    args: [peers, rounds],
    fault: answers({ heard: Object.fromEntries(heard), wrong: [] }),
  };
}

/** The jobs of a series of so many rounds. */
export function planOf(rounds: number): Plan {
  const peers = ["chat-1", "chat-2", "chat-3"];
  const payers = ["payer-1", "payer-2"];
  const paid = payers.flatMap((payer) =>
    Array.from({ length: rounds }, (_, i) => ({ id: `${payer}-${i + 1}`, amount: i + 1 }))
  );
  return [
    job("job-1", rounds),
    job("job-2", rounds),
    job("job-3", rounds),
    ...peers.map((name) => chat(name, peers, rounds)),
    {
      name: "canceler",
      entry: "canceler",
      args: [rounds],
      fault: answers({ completed: Math.ceil(rounds / 2), canceled: Math.floor(rounds / 2) }),
    },
    {
      name: "family",
      entry: "family",
      args: [rounds],
      fault: answers({ abandoned: rounds, canceled: rounds, terminated: rounds }),
    },
    {
      name: "attempts",
      entry: "attempts",
      args: [rounds],
      fault: answers({
        "third attempt": rounds,
        imported: rounds,
        "timed out": rounds,
        "timed out in all": rounds,
        refused: rounds,
        canceled: rounds,
        "run timed out": rounds,
        "scope timed out": rounds,
      }),
    },
    {
      name: "ledger",
      entry: "ledger",
      args: [paid.length],
      fault: answers({
        count: paid.length,
        sum: paid.reduce((sum, { amount }) => sum + amount, 0),
        times: Object.fromEntries(paid.map(({ id }) => [id, 1])),
      }),
    },
    ...payers.map((name): Job => ({
      name,
      entry: "payer",
      args: ["ledger", rounds],
      fault: answers({ refused: rounds }),
    })),
    { name: "clock", entry: "clock", args: [2], fault: answers({ enough: true }) },
  ];
}
