import { longestTimer } from "../../../platform/platform.ts";
import { WippyError } from "../../../vm/error.ts";
import type { ProviderPlatform } from "../../provider.ts";
import type { OutgoingTask } from "../../tasks/wire.ts";
import {
  begin,
  closeJournal,
  commit,
  end,
  goOn,
  type OpenJournal,
  openJournal,
} from "./open-journal.ts";
import {
  addRequests,
  type EarlyTask,
  mayStayOpen,
  type OpenTransaction,
  takeEarlyTasks,
} from "./open-transaction.ts";
import type { Transaction } from "./transaction/transaction.ts";
import { JournalLost } from "./store/ownership.ts";
import type { JournalEvent, JournalRequest, NodeEvent } from "./protocol.ts";
import { isPassing, storageError } from "./store/open.ts";
import { dispatchQueries } from "./runs/query.ts";
import { removeOld } from "./runs/retention.ts";
import { allowRunAhead } from "./runs/step.ts";
import { takeTask } from "./runs/task.ts";
import { fireDue } from "./timers.ts";
import { type Work, Workers } from "./transaction/workers.ts";
import { Answers } from "./answers.ts";
import { carryOut, isQuestion, recover } from "./requests.ts";

/** Milliseconds between two looks for closed runs that are old enough to be removed. */
const sweepInterval = 60_000;

/** Requests of one transaction, some 10 ms of work: timers that become due meanwhile wait for its end. */
const mostRequests = 200;

/** The ways out of the journal. */
export interface JournalOutput {
  /** To the provider. */
  tell(events: NodeEvent[]): void;
  dispatch(worker: number, tasks: OutgoingTask[]): void;
}

/**
 * How long the journal waits without a look at the clock, in milliseconds: the platform's timers count what passes,
 * and the wall clock, by which everything is due, may jump (it is set, the machine was asleep).
 */
const lookInterval = 60_000;

/**
 * The journal: takes requests, commits everything that waits in one transaction, and only then lets
 * out what follows from it. It knows nothing of threads.
 */
export class Journal {
  readonly #platform: ProviderPlatform;
  readonly #link: JournalOutput;
  readonly #workers = new Workers();
  #open: OpenJournal | undefined;
  /** Why it is not open any more. */
  #lost: JournalLost | undefined;
  #queue: JournalRequest[] = [];
  #deferred = false;
  /** Runs whose task waits for its turn to be handed out. */
  #ready: number[] = [];
  /** What waits for the first worker. */
  #early: Work[] = [];
  /** Due time of the first durable timer, or earlier. */
  #nextDue = Infinity;
  /** When closed runs are next looked through for those that are old enough to be removed. */
  #nextSweep = Infinity;
  #alarm: { at: number; cancel: () => void } | undefined;
  /** Set while nothing can be committed: notices wait for the next try. */
  #stalled: { notices: JournalRequest[]; tries: number; nextTry: number } | undefined;
  /** Set while the tasks of a transaction are out that is not committed yet. */
  #uncommitted: OpenTransaction | undefined;

  constructor(platform: ProviderPlatform, link: JournalOutput) {
    this.#platform = platform;
    this.#link = link;
  }

  receive(requests: JournalRequest[]): void {
    // Not by spreading: a list may be longer than a call may have arguments.
    for (const request of requests) this.#queue.push(request);
    if (this.#deferred) return;
    this.#deferred = true;
    this.#platform.defer(() => {
      this.#deferred = false;
      this.#drain();
    });
  }

  #drain(): void {
    const batch = this.#queue.splice(0, mostRequests);
    if (this.#queue.length > 0) this.receive([]);
    const first = batch[0];
    if (first?.type === "open") {
      this.#openUp(first);
      batch.shift();
    }
    const close = batch.find(isClose);
    for (const request of batch) {
      if (request.type === "connect") this.#connect(request);
      // At once, as another may take its place in the same batch.
      if (request.type === "disconnect") request.held = this.#workers.disconnect(request.worker);
      if (request.type === "published") this.#published(request);
    }
    const work = batch.filter(({ type }) => !aside.has(type));
    if (this.#open) this.#work(work);
    else {
      const error = new WippyError("Unavailable", "the workflow journal is not open");
      this.#refuse(work, this.#lost ?? error);
    }
    this.#publish();
    if (close) this.#close(close);
    this.#setAlarm();
  }

  #openUp(request: Extract<JournalRequest, { type: "open" }>): void {
    const { settings, id } = request;
    try {
      this.#open = openJournal(settings, this.#platform.random, this.#workers);
      const tx = this.#commit((tx) => recover(tx));
      this.#nextDue = tx.store.nextDue() ?? Infinity;
      this.#nextSweep = settings.retention === undefined ? Infinity : tx.now;
      this.#settle(tx, [{ type: "answer", id }]);
    } catch (error) {
      this.#open?.logSpace?.close();
      this.#open?.store.close();
      this.#open?.ownership.release();
      this.#open = undefined;
      const failure = error instanceof WippyError ? error : storageError(error, settings.path);
      this.#post([{ type: "refusal", id, failure: failure.toJSON() }]);
    }
  }

  #close(request: Extract<JournalRequest, { type: "close" }>): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    const open = this.#open;
    this.#open = undefined;
    if (open) this.#closeOpen(open);
    this.#post([{ type: "answer", id: request.id }]);
  }

  #closeOpen(open: OpenJournal): void {
    try {
      if (!open.publications.isFlushed) commit(open, this.#platform.now(), () => {});
    } catch {
      // What queues have already is handed over again, with the same ids.
    }
    closeJournal(open);
  }

  /** A queue has a message, or has not taken it. That is written by a commit that is made anyway, or soon. */
  #published({ publication, failure }: Extract<JournalRequest, { type: "published" }>): void {
    const report = this.#open?.publications.settled(publication, failure, this.#platform.now());
    if (report) this.#post([{ type: "report", report }]);
  }

  /** Hands over messages to queues. */
  #publish(): void {
    if (!this.#open || this.#uncommitted) return;
    const { publications, store, settings: { path } } = this.#open;
    const events: JournalEvent[] = [];
    try {
      publications.next(store, this.#platform.now(), events);
    } catch (error) {
      const { message } = storageError(error, path);
      events.push({ type: "report", report: { level: "error", message, fields: { path } } });
    }
    this.#post(events);
  }

  /** Commits a batch and whatever is due, in one transaction if possible. */
  #work(batch: JournalRequest[]): void {
    const stalled = this.#stalled;
    const uncommitted = this.#uncommitted;
    this.#uncommitted = undefined;
    const fresh = stalled ? [...stalled.notices, ...batch] : batch;
    const isOver = this.#platform.now() >= (uncommitted?.until ?? Infinity);
    const mayWait = !stalled && !isOver && mayStayOpen(fresh, uncommitted);
    if (uncommitted) addRequests(uncommitted, fresh);
    const requests = uncommitted?.requests ?? fresh;
    const due = this.#isDue();
    const idle = !this.#workers.any || this.#ready.length === 0;
    const flush = this.#open!.publications.mustFlush(this.#platform.now());
    if (requests.length === 0 && !due && !flush && idle) return;
    const open = this.#open!;
    try {
      const tx = uncommitted?.tx ?? begin(open, this.#platform.now());
      goOn(open, tx, () => {
        for (const request of fresh) carryOut(tx, request);
        if (due) this.#passTime(tx);
        else if (mayWait) this.#handOutEarly(tx, requests, uncommitted);
      });
      if (this.#uncommitted) return;
      this.#noteCommit(end(open, tx));
      this.#settle(tx);
    } catch (error) {
      if (error instanceof JournalLost) return this.#lose(requests, error);
      this.#forget();
      if (isPassing(error)) this.#stall(requests, error);
      else this.#isolate(requests, due);
      return;
    }
    if (stalled) this.#recovered();
  }

  /** Hands out tasks before the commit, which waits for them, where that is allowed. */
  #handOutEarly(
    tx: Transaction,
    requests: JournalRequest[],
    { awaited, until }: Pick<OpenTransaction, "awaited" | "until"> = {
      awaited: new Set(),
      until: tx.now + tx.settings.earlyTasks,
    },
  ): void {
    const tasks = this.#ready.length > 0 ? undefined : takeEarlyTasks(tx);
    if (!tasks) return;
    for (const task of tasks) {
      tx.undo.push(() => this.#withdraw(tx, task));
      awaited.add(task.task.token);
    }
    this.#post(tasks);
    if (awaited.size > 0) this.#uncommitted = { tx, requests, awaited, until };
  }

  /** What an early task shows has not come to pass. */
  #withdraw(tx: Transaction, { task: { runId, token }, run, worker }: EarlyTask): void {
    tx.early.withdrawn(token);
    this.#workers.taskBack(run);
    tx.deadlines.delete(run);
    this.#post([{ type: "evict", runId, worker }]);
  }

  /** Runs `work` in a transaction. @throws what went wrong, when nothing of it was committed. */
  #commit(work: (tx: Transaction) => void): Transaction {
    return this.#noteCommit(commit(this.#open!, this.#platform.now(), work));
  }

  #noteCommit(tx: Transaction): Transaction {
    if (this.#platform.committed && tx.store.hasWritten()) this.#platform.committed();
    return tx;
  }

  /** Lets out what a committed transaction has to say, and hands out tasks. */
  #settle(tx: Transaction, before: JournalEvent[] = []): void {
    for (const change of tx.after) change();
    this.#nextDue = Math.min(this.#nextDue, tx.due);
    if (tx.firedTimers) this.#nextDue = tx.store.nextDue() ?? Infinity;
    if (tx.ready.length > 0) this.#ready = this.#ready.concat(tx.ready);
    // Before the tasks: a run whose worker has local activities under way is at rest only now.
    dispatchQueries(tx, tx.out);
    for (const event of tx.out) allowRunAhead(tx, event);
    const out = before.concat(tx.out);
    this.#handOutTasks(tx, out);
    tx.runs.trim();
    tx.slots.trim();
    this.#post(out);
  }

  #handOutTasks(tx: Transaction, out: JournalEvent[]): void {
    let room = tx.settings.maxTasks - this.#workers.tasks;
    while (this.#workers.any && this.#ready.length > 0 && room > 0) {
      for (const run of this.#ready.splice(0, room)) {
        const work = takeTask(tx, run);
        if (work.length === 0) continue;
        out.push(...work);
        room--;
      }
    }
  }

  /** Sends each event where it belongs, in order. */
  #post(events: readonly JournalEvent[]): void {
    const toNode: NodeEvent[] = [];
    const toWorkers = new Map<number, OutgoingTask[]>();
    const answers = new Answers();
    for (const event of events) {
      if (answers.take(event)) continue;
      if (!isWork(event)) toNode.push(event);
      else if (!this.#workers.any) this.#early.push(event);
      else this.#place(event, toWorkers);
    }
    // Workers first: they have something to do.
    for (const [worker, tasks] of toWorkers) this.#link.dispatch(worker, tasks);
    answers.tell();
    if (toNode.length > 0) this.#link.tell(toNode);
  }

  #place(work: Work, toWorkers: Map<number, OutgoingTask[]>): void {
    const worker = this.#workers.place(work);
    if (worker === undefined) return;
    const tasks = toWorkers.get(worker);
    if (tasks) tasks.push(work);
    else toWorkers.set(worker, [work]);
  }

  #connect({ worker, loads }: Extract<JournalRequest, { type: "connect" }>): void {
    this.#workers.connect(worker, loads);
    this.#post(this.#early.splice(0));
  }

  /** After a rollback nothing in memory is trusted. */
  #forget(): void {
    const { runs, store } = this.#open!;
    runs.forgetAll();
    this.#nextDue = store.nextDue() ?? Infinity;
  }

  /**
   * One of the requests cannot be carried out (a damaged page, an error of ours): each gets a
   * transaction of its own, so that only that one fails.
   */
  #isolate(requests: JournalRequest[], due: boolean): void {
    const works: { request?: JournalRequest; work: (tx: Transaction) => void }[] = requests.map(
      (request) => ({ request, work: (tx) => carryOut(tx, request) }),
    );
    if (due) works.push({ work: (tx) => this.#passTime(tx) });
    for (const [index, { request, work }] of works.entries()) {
      try {
        this.#settle(this.#commit(work));
      } catch (error) {
        if (error instanceof JournalLost) {
          return this.#lose(works.slice(index).flatMap(({ request }) => request ?? []), error);
        }
        this.#forget();
        if (isPassing(error)) {
          this.#stall(works.slice(index).flatMap(({ request }) => request ?? []), error);
          return;
        }
        this.#fail(request, error);
      }
    }
  }

  #fail(request: JournalRequest | undefined, error: unknown): void {
    const path = this.#open!.settings.path;
    const failure = storageError(error, path);
    const what = request?.type === "answered" ? request.answer.type : request?.type ?? "timers";
    if (!request) this.#nextDue = this.#nextSweep = this.#platform.now() + 1_000;
    if (request) this.#refuse([request], failure);
    this.#post([{
      type: "report",
      report: { level: "error", message: failure.message, fields: { path, request: what } },
    }]);
  }

  /**
   * Nothing can be committed (full disk, locked file): callers are told, notices are kept and tried
   * again.
   */
  #stall(requests: JournalRequest[], error: unknown): void {
    const { settings } = this.#open!;
    const cause = storageError(error, settings.path);
    const details = { ...cause.details, cause: cause.kind };
    this.#refuse(
      requests,
      new WippyError("Unavailable", cause.message, { retryable: true, details }),
    );
    const tries = (this.#stalled?.tries ?? 0) + 1;
    const wait = Math.min(5_000, 100 * 2 ** (tries - 1));
    const first = !this.#stalled;
    const nextTry = this.#platform.now() + wait;
    this.#stalled = {
      notices: requests.filter((request) => !("id" in request && isQuestion(request))),
      tries,
      nextTry,
    };
    if (first) {
      this.#post([{
        type: "report",
        report: {
          level: "error",
          message: `${cause.message}. Workflows stand still until it can be written again`,
          fields: { path: settings.path },
        },
      }]);
    }
  }

  /** The journal is not this runtime's any more: nothing is accepted that could not be kept. */
  #lose(requests: JournalRequest[], error: JournalLost): void {
    const open = this.#open!;
    this.#open = this.#stalled = undefined;
    this.#lost = error;
    open.logSpace?.close();
    open.store.abandon();
    open.ownership.release();
    this.#refuse(requests, error);
    const { message } = error;
    const fields = { path: open.settings.path };
    this.#post([{ type: "report", report: { level: "error", message, fields } }]);
  }

  /** Notices that the journal's files were removed, though nothing is to be recorded. */
  look(): void {
    if (!this.#open || this.#uncommitted || this.#open.ownership.hasFiles) return;
    try {
      this.#open.ownership.check(this.#platform.now());
    } catch (error) {
      if (error instanceof JournalLost) this.#lose([], error);
    }
    this.#setAlarm();
  }

  #recovered(): void {
    this.#stalled = undefined;
    const { path } = this.#open!.settings;
    const message = `The journal ${path} can be written again`;
    this.#post([{ type: "report", report: { level: "info", message, fields: { path } } }]);
  }

  #refuse(requests: JournalRequest[], error: WippyError): void {
    const failure = error.toJSON();
    const refusals = requests.filter(isQuestion).map(({ id, asker }) =>
      ({ type: "refusal", id, failure, ...asker && { asker } }) as const
    );
    if (refusals.length > 0) this.#post(refusals);
  }

  #isDue(): boolean {
    const now = this.#platform.now();
    const next = this.#open!.deadlines.next() ?? Infinity;
    return Math.min(this.#nextDue, this.#nextSweep, next) <= now;
  }

  #passTime(tx: Transaction): void {
    fireDue(tx);
    if (this.#nextSweep > tx.now) return;
    const more = removeOld(tx, tx.settings.retention ?? Infinity);
    tx.after.push(() => this.#nextSweep = tx.now + (more ? 1 : sweepInterval));
  }

  #setAlarm(): void {
    const at = this.#open ? this.#nextWork(this.#open) : Infinity;
    if (this.#alarm?.at === at) return;
    this.#alarm?.cancel();
    this.#alarm = undefined;
    if (at === Infinity) return;
    const longest = this.#platform.steady ? longestTimer : lookInterval;
    const delay = Math.min(longest, Math.max(0, at - this.#platform.now()));
    const cancel = this.#platform.setTimer(delay, () => {
      this.#alarm = undefined;
      this.receive([]);
    });
    this.#alarm = { at, cancel };
  }

  /** When there is something to do though no request comes. */
  #nextWork({ deadlines, publications }: OpenJournal): number {
    const due = Math.min(
      this.#nextDue,
      this.#nextSweep,
      deadlines.next() ?? Infinity,
      publications.nextWork,
      this.#uncommitted?.until ?? Infinity,
    );
    if (!this.#stalled) return due;
    const { notices, nextTry } = this.#stalled;
    return notices.length > 0 ? nextTry : Math.max(nextTry, due);
  }
}

function isClose(request: JournalRequest): request is Extract<JournalRequest, { type: "close" }> {
  return request.type === "close";
}

/** Requests that are no matter of a transaction. */
const aside: ReadonlySet<JournalRequest["type"]> = new Set<JournalRequest["type"]>([
  "close",
  "connect",
  "published",
]);

function isWork(event: JournalEvent): event is Work {
  return workTypes.has(event.type);
}

const workTypes: ReadonlySet<JournalEvent["type"]> = new Set<Work["type"]>([
  "task",
  "query",
  "activity",
  "activity_cancel",
  "evict",
  "expedite",
  "settled",
]);
