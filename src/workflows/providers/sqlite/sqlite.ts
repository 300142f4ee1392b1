import { statSync } from "node:fs";
import { WippyError } from "../../../vm/error.ts";
import { localNode } from "../../pid.ts";
import type { Failure } from "../../engine/outcome.ts";
import type {
  EventRange,
  OutboxMessage,
  ProviderOptions,
  ProviderReport,
  Publication,
  QueryRequest,
  QueueBacklog,
  ResetRequest,
  RunClosed,
  RunDetail,
  RunInfo,
  RunQuery,
  Signal,
  StartRequest,
  StartResult,
  StorageSize,
  UpdateRequest,
  UpdateResult,
  UpdateStage,
  WorkflowProvider,
} from "../../provider.ts";
import type { ScheduleProvider } from "../../schedules/schedules.ts";
import { inlineLink, type JournalLink, threadLink } from "./link/link.ts";
import { machine } from "../../../platform/machine.ts";
import {
  defaultHistoryLimits,
  type JournalRequest,
  type JournalSettings,
  type NodeEvent,
  type Question,
} from "./protocol.ts";
import { packSignal } from "../../history/signals.ts";
import { Reading } from "./read/reading.ts";
import { schedulesBy } from "./link/schedules.ts";
import { defaultTaskTimeout, type QueuePort } from "../../tasks/tasks.ts";
import type { PayloadKeys } from "../../cipher.ts";
import type { Payload } from "../../payload.ts";

export interface SqliteProviderOptions extends ProviderOptions {
  /** Path of the journal file; its folder is made when it is missing. */
  path: string;
  /** True: no thread of its own; the journal works on the caller's. @default whether `platform` is given */
  inline?: boolean;
  /** Tasks handed out at once; further ones wait in the journal. @default 1_000 */
  maxTasks?: number;
  /**
   * Milliseconds for which a commit waits for the tasks that it brings about, so that it holds what comes of them
   * too; 0: it does not wait. @default 20, or 0 on the caller's thread
   */
  earlyTasks?: number;
  /**
   * Runs that the journal keeps in memory, about 1 KB each: as many as workers keep live.
   *
   * @default 50_000
   */
  maxRuns?: number;
  /**
   * Messages of one workflow that may wait for their queues: while there are as many, its runs get no task.
   *
   * @default 1_000
   */
  maxPublications?: number;
  /** Size in bytes above which the journal refuses to grow, if it is a file. @default no limit */
  maxBytes?: number;
  /** Encrypt what the journal holds. @default it is not encrypted */
  keys?: PayloadKeys;
  /**
   * What is stored need not last: as a `file` it does not outlive the machine, and commits do not wait for the disk; in
   * `memory` it does not outlive the provider. @default it lasts
   */
  temporary?: "file" | "memory";
}

let providers = 0;

/** The embedded provider: an SQLite journal, by default on a thread of its own. */
export class SqliteProvider implements WorkflowProvider {
  readonly #options: SqliteProviderOptions;
  readonly #inline: boolean;
  readonly #settings: JournalSettings;
  readonly takesSignals = true;
  readonly schedules: ScheduleProvider = schedulesBy((request) =>
    this.#ask({ type: "schedule", request })
  );
  #link: JournalLink | undefined;
  /** Reads lists and histories beside the journal, where that has a thread of its own. */
  #reading: Reading | undefined;
  /** Requests that leave together at the end of the present turn of the event loop. */
  #outgoing: JournalRequest[] = [];
  #lastId = 0;
  readonly #waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: WippyError) => void }
  >();
  readonly #watches = new Map<number, (closed: RunClosed) => void>();
  #message: (message: OutboxMessage) => void = () => {};
  #publish: (publication: Publication) => Promise<void> = () =>
    Promise.reject(new WippyError("Unavailable", "there are no queues", { retryable: true }));
  #backlog: readonly QueueBacklog[] = [];
  #report: (report: ProviderReport) => void = () => {};

  constructor(options: SqliteProviderOptions) {
    this.#options = options;
    this.#inline = options.inline ?? options.platform !== undefined;
    this.#settings = {
      name: options.number ?? ++providers,
      path: options.path,
      ...options.temporary && { temporary: options.temporary },
      node: options.node ?? localNode,
      taskTimeout: options.taskTimeout ?? defaultTaskTimeout,
      maxTasks: options.maxTasks ?? 1_000,
      earlyTasks: options.earlyTasks ?? (this.#inline ? 0 : 20),
      maxRuns: options.maxRuns ?? 50_000,
      maxPublications: options.maxPublications ?? 1_000,
      ...options.keys && {
        keys: { keyId: options.keys.keyId, keys: [...options.keys.keys] },
      },
      ...options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes },
      ...options.maxActivities === undefined ? {} : { maxActivities: options.maxActivities },
      ...options.retention === undefined ? {} : { retention: options.retention },
      ...options.schedules === undefined ? {} : { schedules: options.schedules },
      historyLimits: {
        events: options.maxHistoryEvents ?? defaultHistoryLimits.events,
        bytes: options.maxHistoryBytes ?? defaultHistoryLimits.bytes,
      },
    };
  }

  async open(): Promise<void> {
    if (this.#link) throw new WippyError("Conflict", "the workflow journal is already open");
    const listener = {
      events: (events: NodeEvent[]) => this.#receive(events),
      broken: (message: string) => this.#broken(message),
    };
    this.#link = this.#inline
      ? inlineLink(listener, this.#options.platform ?? machine, this.#options.transport)
      : threadLink(listener);
    try {
      await this.#ask({ type: "open", settings: this.#settings });
      // On the caller's thread the journal reads itself: there the clock and the order of things are its own.
      if (!this.#inline) this.#reading = new Reading(this.#settings.path, this.#options.keys);
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  async close(): Promise<void> {
    if (!this.#link) return;
    const reading = this.#reading;
    this.#reading = undefined;
    await reading?.close();
    await this.#ask({ type: "close" });
    reading?.end();
    this.#end();
  }

  start(request: StartRequest): Promise<StartResult> {
    return this.#ask({ type: "start", request });
  }

  signal(workflowId: string, signal: Signal): Promise<void> {
    return this.#ask({ type: "signal", workflowId, data: packSignal(signal) });
  }

  update(workflowId: string, request: UpdateRequest, stage: UpdateStage): Promise<UpdateResult> {
    return this.#ask({ type: "update", workflowId, request, stage });
  }

  updateWithStart(
    start: StartRequest & { workflowId: string },
    request: UpdateRequest,
    stage: UpdateStage,
  ): Promise<UpdateResult> {
    return this.#ask({ type: "update_with_start", start, request, stage });
  }

  pollUpdate(workflowId: string, updateId: string, stage: UpdateStage): Promise<UpdateResult> {
    return this.#ask({ type: "poll_update", workflowId, updateId, stage });
  }

  query(workflowId: string, request: QueryRequest): Promise<Payload | undefined> {
    return this.#ask({ type: "query", workflowId, request });
  }

  cancel(workflowId: string, request: { reason?: string; sender: string }): Promise<void> {
    return this.#ask({ type: "cancel", workflowId, ...request });
  }

  terminate(workflowId: string, request: { reason?: string }): Promise<void> {
    return this.#ask({ type: "terminate", workflowId, ...request });
  }

  reset(workflowId: string, request: ResetRequest): Promise<StartResult> {
    return this.#ask({ type: "reset", workflowId, request });
  }

  unblock(runId: string): Promise<void> {
    return this.#ask({ type: "unblock", runId });
  }

  describe(workflowId: string): Promise<RunInfo | undefined> {
    return this.#ask({ type: "describe", workflowId });
  }

  run(runId: string): Promise<RunDetail | undefined> {
    return this.#ask({ type: "run", runId });
  }

  list(query: RunQuery): Promise<{ runs: RunInfo[]; cursor?: string }> {
    return this.#reading?.list(query) ?? this.#ask({ type: "list", query });
  }

  history(runId: string, range?: EventRange): Promise<Uint8Array> {
    return this.#reading?.history(runId, range) ??
      this.#ask({ type: "history", runId, ...range && { range } });
  }

  watch(workflowId: string, listener: (closed: RunClosed) => void, runId?: string): () => void {
    const watch = ++this.#lastId;
    this.#watches.set(watch, listener);
    this.#send({ type: "watch", watch, workflowId, ...runId === undefined ? {} : { runId } });
    return () => {
      if (this.#watches.delete(watch)) this.#send({ type: "unwatch", watch });
    };
  }

  connect(worker: number, loads?: Int32Array): QueuePort {
    if (!this.#link) throw new WippyError("Unavailable", "the workflow journal is not open");
    // The death of the worker that was there before must be heard of first.
    this.#flush();
    return this.#link.connect(worker, loads);
  }

  disconnect(worker: number, failure: Failure): void {
    this.#send({ type: "disconnect", worker, failure });
  }

  onMessage(handler: (message: OutboxMessage) => void): void {
    this.#message = handler;
  }

  onPublish(handler: (publication: Publication) => Promise<void>): void {
    this.#publish = handler;
  }

  backlog(): readonly QueueBacklog[] {
    return this.#backlog;
  }

  onReport(handler: (report: ProviderReport) => void): void {
    this.#report = handler;
  }

  storage(): StorageSize {
    const size = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    const { path } = this.#settings;
    return { bytes: size(path), log: size(`${path}-wal`) };
  }

  #ask<Value>(question: Question): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      const id = ++this.#lastId;
      // The journal answers each question with what the method's type says; the messages are its
      // own.
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#send({ ...question, id });
    });
  }

  #send(request: JournalRequest): void {
    if (!this.#link) {
      this.#refuse(request, new WippyError("Unavailable", "the workflow journal is not open"));
      return;
    }
    this.#outgoing.push(request);
    if (this.#outgoing.length > 1) return;
    // Not as a microtask: what one turn of the event loop brings about takes many of those, and
    // each message to the thread costs some 30 µs.
    const { defer } = this.#options.platform ?? machine;
    defer(() => this.#flush());
  }

  #flush(): void {
    const requests = this.#outgoing;
    this.#outgoing = [];
    if (requests.length > 0) this.#link?.send(requests);
  }

  #refuse(request: JournalRequest, error: WippyError): void {
    if (!("id" in request)) return;
    this.#waiting.get(request.id)?.reject(error);
    this.#waiting.delete(request.id);
  }

  #receive(events: NodeEvent[]): void {
    let delivered = 0;
    for (const event of events) {
      if (event.type === "message") delivered = event.id;
      try {
        this.#dispatch(event);
      } catch (error) {
        // One handler's fault must not keep the rest of the batch from theirs.
        const message = `handling "${event.type}" of the journal failed: ${error}`;
        this.#report({ level: "error", message, fields: {} });
      }
    }
    if (delivered > 0) this.#send({ type: "delivered", id: delivered });
  }

  #dispatch(event: NodeEvent): void {
    switch (event.type) {
      case "answer":
      case "refusal": {
        const waiting = this.#waiting.get(event.id);
        this.#waiting.delete(event.id);
        if (event.type === "answer") waiting?.resolve(event.value);
        else waiting?.reject(WippyError.from(event.failure));
        return;
      }
      case "message":
        return this.#message(event.message);
      case "publish":
        void this.#handOver(event.publication, event.message);
        return;
      case "backlog":
        this.#backlog = event.backlog;
        return;
      case "closed": {
        const listener = this.#watches.get(event.watch);
        this.#watches.delete(event.watch);
        return listener?.(event.closed);
      }
      case "report":
        return this.#report(event.report);
    }
  }

  async #handOver(publication: number, message: Publication): Promise<void> {
    try {
      await this.#publish(message);
      this.#send({ type: "published", publication });
    } catch (error) {
      const failure = WippyError.from(error).toJSON();
      this.#send({ type: "published", publication, failure });
    }
  }

  #broken(message: string): void {
    const text = `the journal's thread broke down: ${message}`;
    this.#report({ level: "error", message: text, fields: {} });
    this.#reading?.end();
    this.#reading = undefined;
    this.#end(text);
  }

  #end(reason = "the workflow journal is closed"): void {
    this.#link?.end();
    this.#link = undefined;
    const error = new WippyError("Unavailable", reason);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
