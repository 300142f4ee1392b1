import { packPlain, unpackPlain } from "../history/history.ts";
import type { ActivityTask, RunAhead, Task, WorkerAnswer } from "./tasks.ts";
import type { Payload } from "../payload.ts";
import { idempotencyToken, runPrefix, seqOf } from "./tokens.ts";

// Messages between a provider and a worker as bytes. The four kinds that every step of a run needs are
// lists without field names; what a step mostly does without, such as the ids of its run, is packed once
// for the run and unpacked when somebody asks (bench/workflows/wire.ts).

type Part = string | number | Uint8Array | null | string[] | Uint8Array[];
type Written<Message> = Part[] | Message;

/** What all attempts of a run have in common. */
export interface RunIdentity {
  runId: string;
  workflowId: string;
  pid: string;
  hostId: string;
}

/** Packs the identity of a run for `OutgoingActivityTask`. */
export function packIdentity({ runId, workflowId, pid, hostId }: RunIdentity): Uint8Array {
  return packPlain([runId, workflowId, pid, hostId]);
}

/** An attempt on its way to a worker: an `ActivityTask` whose identity is packed. */
export interface OutgoingActivityTask extends Omit<ActivityTask, keyof RunIdentity | DerivedField> {
  identity: Uint8Array;
  /** Absent: the sequence number in the token. */
  activityId?: string;
}

type DerivedField = "activityId" | "idempotencyToken";

/** A task as a provider makes it. */
export type OutgoingTask =
  | Exclude<Task, { type: "activity" }>
  | { type: "activity"; task: OutgoingActivityTask };

export function packTasks(tasks: readonly OutgoingTask[]): Uint8Array {
  return packPlain(tasks.map((item): Written<OutgoingTask> => {
    if (item.type === "task" && item.task.timeout === undefined) {
      const { token, runId, since, history, early } = item.task;
      if (Array.isArray(history)) return item;
      if (early) return [token, since, history, since > 0 ? null : runId, 1];
      return since > 0 ? [token, since, history] : [token, since, history, runId];
    }
    if (item.type !== "activity") return item;
    const { token, entry, operation, args, frame = null, identity, attempt } = item.task;
    const { activityId = null, scheduledTime, deadline } = item.task;
    const { heartbeatTimeout = null, heartbeat = null, ahead } = item.task;
    return [
      token,
      entry,
      operation ? 1 : 0,
      args,
      frame,
      identity,
      attempt,
      scheduledTime,
      deadline,
      activityId,
      heartbeatTimeout,
      heartbeat,
      ...ahead ? [ahead.since, ahead.next, ahead.size, ahead.time] : [],
    ];
  }));
}

/** What a worker was told of runs before, by what the tokens of a run begin with; the latest at the end. */
class KnownRuns<Fact> {
  readonly #limit: number;
  readonly #facts = new Map<string, Fact>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(token: string): Fact | undefined {
    return this.#facts.get(runPrefix(token));
  }

  set(token: string, fact: Fact): Fact {
    const run = runPrefix(token);
    this.#facts.delete(run);
    this.#facts.set(run, fact);
    if (this.#facts.size > this.#limit) {
      for (const oldest of this.#facts.keys()) {
        this.#facts.delete(oldest);
        break;
      }
    }
    return fact;
  }
}

/** What is sent or unpacked once for a run, at the worker's end. */
export class RunMemory {
  /** A task that is not the first of its run comes without the run's id. */
  readonly ids: KnownRuns<string>;
  readonly identities: KnownRuns<Identity>;

  /** @param limit more runs than a worker holds: a task of one that is forgotten is a cache miss anyway. */
  constructor(limit = 20_000) {
    this.ids = new KnownRuns(limit);
    this.identities = new KnownRuns(limit);
  }
}

type Identity = [runId: string, workflowId: string, pid: string, hostId: string];

export function unpackTasks(bytes: Uint8Array, memory: RunMemory): Task[] {
  return unpackPlain<Written<Exclude<Task, { type: "activity" }>>[]>(bytes).map((written) => {
    if (!Array.isArray(written)) return written;
    if (written.length > 5) {
      return { type: "activity", task: new ReceivedActivity(written, memory) };
    }
    const [token, since, history, given = null, early] = written as [
      string,
      number,
      Uint8Array,
      (string | null)?,
      number?,
    ];
    // A run whose id is not known any more has no id: the worker does not hold it.
    const runId = given === null ? memory.ids.get(token) ?? "" : memory.ids.set(token, given);
    return {
      type: "task",
      task: { token, runId, since, history, ...early === 1 && { early: true } },
    };
  });
}

/** An attempt as a worker gets it. */
class ReceivedActivity implements ActivityTask {
  readonly token: string;
  readonly entry: string;
  readonly operation: boolean;
  readonly args: Payload;
  readonly frame?: Payload;
  readonly attempt: number;
  readonly scheduledTime: number;
  readonly deadline: number;
  readonly heartbeatTimeout?: number;
  readonly heartbeat?: Payload;
  readonly ahead?: RunAhead;
  readonly #activityId: string | null;
  readonly #packed: Uint8Array;
  readonly #memory: RunMemory;
  #known: Identity | undefined;

  constructor(parts: Part[], memory: RunMemory) {
    const [token, entry, operation, args, frame, identity, attempt, ...rest] = parts as [
      string,
      string,
      number,
      Uint8Array,
      Uint8Array | null,
      Uint8Array,
      number,
      ...Part[],
    ];
    const [scheduledTime, deadline, activityId, heartbeatTimeout, heartbeat, ...ahead] = rest as [
      number,
      number,
      string | null,
      number | null,
      Uint8Array | null,
      ...number[],
    ];
    const [since, next, size, time] = ahead as [number?, number?, number?, number?];
    if (since !== undefined) this.ahead = { since, next: next!, size: size!, time: time! };
    this.token = token;
    this.entry = entry;
    this.operation = operation === 1;
    this.args = args;
    if (frame !== null) this.frame = frame;
    this.attempt = attempt;
    this.scheduledTime = scheduledTime;
    this.deadline = deadline;
    if (heartbeatTimeout !== null) this.heartbeatTimeout = heartbeatTimeout;
    if (heartbeat !== null) this.heartbeat = heartbeat;
    this.#activityId = activityId;
    this.#packed = identity;
    this.#memory = memory;
  }

  get #identity(): Identity {
    const { identities } = this.#memory;
    return this.#known ??= identities.get(this.token) ??
      identities.set(this.token, unpackPlain<Identity>(this.#packed));
  }

  get runId(): string {
    return this.#identity[0];
  }

  get workflowId(): string {
    return this.#identity[1];
  }

  get pid(): string {
    return this.#identity[2];
  }

  get hostId(): string {
    return this.#identity[3];
  }

  get activityId(): string {
    return this.#activityId ?? seqOf(this.token);
  }

  get idempotencyToken(): string {
    return idempotencyToken(this.runId, seqOf(this.token));
  }
}

export function packAnswers(answers: readonly WorkerAnswer[]): Uint8Array {
  const written: (Written<WorkerAnswer> | WrittenSignals)[] = [];
  let signals: SignalAnswer[] = [];
  for (const answer of answers) {
    if (answer.type === "signal") {
      signals.push(answer);
      continue;
    }
    if (signals.length > 0) written.push(writtenSignals(signals));
    signals = [];
    written.push(writtenAnswer(answer));
  }
  if (signals.length > 0) written.push(writtenSignals(signals));
  return packPlain(written);
}

type SignalAnswer = Extract<WorkerAnswer, { type: "signal" }>;

/** Signals that follow one another: what each has, in lists. An id that is null is that of the signal before. */
type WrittenSignals = [
  tickets: number[],
  workflowIds: (string | null)[],
  lengths: number[],
  data: Uint8Array,
];

function writtenSignals(signals: readonly SignalAnswer[]): WrittenSignals {
  const tickets: number[] = [];
  const workflowIds: (string | null)[] = [];
  const lengths: number[] = [];
  let last: string | undefined;
  let size = 0;
  for (const { signal: { ticket, workflowId, data } } of signals) {
    tickets.push(ticket);
    workflowIds.push(workflowId === last ? null : workflowId);
    lengths.push(data.length);
    last = workflowId;
    size += data.length;
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const { signal: { data } } of signals) {
    all.set(data, at);
    at += data.length;
  }
  return [tickets, workflowIds, lengths, all];
}

function readSignals([tickets, workflowIds, lengths, all]: WrittenSignals): SignalAnswer[] {
  let workflowId = "";
  let from = 0;
  return tickets.map((ticket, index) => {
    workflowId = workflowIds[index] ?? workflowId;
    const to = from + lengths[index]!;
    // Of its own: it may be kept for longer than the others.
    const data = all.slice(from, to);
    from = to;
    return { type: "signal", signal: { ticket, workflowId, data } };
  });
}

function writtenAnswer(answer: Exclude<WorkerAnswer, SignalAnswer>): Written<WorkerAnswer> {
  if (answer.type === "task" && answer.completion.outcome.type === "completed") {
    const { token, outcome: { commands, forceNewTask, logs } } = answer.completion;
    if (forceNewTask || logs || Array.isArray(commands)) return answer;
    return [token, commands, 1];
  }
  if (answer.type === "activity" && answer.result.status === "completed") {
    return [answer.token, answer.result.value];
  }
  if (answer.type === "step") {
    const { outcomes, next, time, commands, logs, more } = answer.step;
    const tokens = outcomes.map(({ token }) => token);
    const events = outcomes.map(({ data }) => data);
    return [tokens, events, next, time, commands, logs ? 1 : 0, more ? 1 : 0];
  }
  return answer;
}

export function unpackAnswers(bytes: Uint8Array): WorkerAnswer[] {
  const all = unpackPlain<(Written<WorkerAnswer> | WrittenSignals)[]>(bytes);
  return all.flatMap((written): WorkerAnswer | WorkerAnswer[] => {
    if (!Array.isArray(written)) return written;
    if (written.length === 4) return readSignals(written as WrittenSignals);
    if (written.length === 2) {
      const [token, value] = written as [string, Uint8Array];
      return { type: "activity", token, result: { status: "completed", value } };
    }
    if (written.length > 3) {
      const [tokens, events, next, time, commands, logs, more] = written as [
        string[],
        Uint8Array[],
        number,
        number,
        Uint8Array,
        number,
        number,
      ];
      const outcomes = tokens.map((token, index) => ({ token, data: events[index]! }));
      const step = { outcomes, next, time, commands, logs: logs === 1, more: more === 1 };
      return { type: "step", step };
    }
    const [token, commands] = written as [string, Uint8Array, number];
    return { type: "task", completion: { token, outcome: { type: "completed", commands } } };
  });
}
