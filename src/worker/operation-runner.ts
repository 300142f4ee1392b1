import {
  checkArguments,
  type Operation,
  type OperationContext,
  type OperationServices,
  type OperationValue,
} from "../operations/operation.ts";
import type { Terminal } from "../operations/io/terminal.ts";
import { systemFailure } from "../operations/io/standard/failure.ts";
import { StandardFile } from "../operations/io/standard/file.ts";
import { operationNamed } from "../operations/operations.ts";
import { ResourceTable } from "../operations/resources.ts";
import { WippyError } from "../vm/error.ts";
import type { ActivityTask } from "../workflows/tasks/tasks.ts";
import type { LuaState } from "../vm/exports.ts";
import { asLua, type LuaValue, PackedRows } from "../vm/value.ts";
import type { Vm } from "../vm/vm.ts";
import { Publications } from "./publications.ts";
import type { PublishingUnit } from "./send-publications.ts";

/** An operation that a unit asks for. */
export interface OperationCall {
  /** Number of the unit's host work: what it has running and open. */
  work: number;
  pid: string;
  entry: string;
  name: string;
  args: LuaValue[];
}

interface HostWork extends PublishingUnit {
  resources: ResourceTable;
}

/** What an {@link OperationRunner} is given by its worker. */
export interface OperationHost {
  /** Gives the answer of an asynchronous operation to the kernel. */
  complete(ticket: number, value: OperationValue, error: LuaValue): void;
  /** Gives the answer `true` to several. */
  completeAll(tickets: number[]): void;
  /** Gives the answers of several: tickets and values in turn. The units go on at once. */
  completeEach(answers: (number | PackedRows)[]): void;
  /** The terminal of a process on a terminal host. */
  terminalOf(pid: string): Terminal | undefined;
  /** Keeps a simulated world waiting for a promise. */
  during(work: Promise<void>): void;
}

/** Runs host operations for the units of one worker, and ends them with their unit. */
export class OperationRunner {
  readonly publications: Publications;
  readonly #services: OperationServices;
  readonly #host: OperationHost;
  readonly #works = new Map<number, HostWork>();
  /** Answers of `Operation.near` that came together: tickets and values in turn. */
  #near: (number | PackedRows)[] = [];
  /** Operations of workflows, by activity token. */
  readonly #attempts = new Map<string, AbortController>();

  constructor(services: OperationServices, host: OperationHost) {
    this.#services = services;
    this.#host = host;
    this.publications = new Publications({
      services,
      unitOf: (work) => this.#work(work),
      answer: (ticket, failure) => host.complete(ticket, failure ? undefined : true, failure),
      answerAll: (tickets) => host.completeAll(tickets),
      during: (work) => host.during(work),
    });
  }

  #work(id: number): HostWork {
    let work = this.#works.get(id);
    if (!work) {
      work = { pid: "", controller: new AbortController(), resources: new ResourceTable() };
      this.#works.set(id, work);
    }
    return work;
  }

  #context(call: OperationCall): OperationContext {
    const { controller, resources } = this.#work(call.work);
    const terminal = this.#host.terminalOf(call.pid);
    return {
      signal: controller.signal,
      pid: call.pid,
      entry: call.entry,
      resources,
      services: this.#services,
      ...(terminal && { terminal }),
    };
  }

  /** host.emit("operation", ticket, work, pid, entry, name, ...): starts an operation. */
  take(vm: Vm, L: LuaState): void {
    const count = vm.top(L);
    const args = new Array<LuaValue>(count - 6);
    for (let at = 7; at <= count; at += 1) args[at - 7] = vm.read(L, at);
    this.start(Number(vm.read(L, 2)), {
      work: Number(vm.read(L, 3)),
      pid: String(vm.read(L, 4)),
      entry: String(vm.read(L, 5)),
      name: String(vm.read(L, 6)),
      args,
    });
  }

  /** Starts an operation; its outcome is completed under the ticket. */
  start(ticket: number, call: OperationCall): void {
    if (!this.#askNear(ticket, call)) this.#run(ticket, call);
  }

  /** Returns whether a part of a service in this thread is asked. */
  #askNear(ticket: number, call: OperationCall): boolean {
    const operation = operationNamed(call.name);
    if (!operation?.near || !operation.quick?.(call.args)) return false;
    try {
      return operation.near(this.#context(call), call.args, (value, error) => {
        if (error) this.#host.complete(ticket, undefined, error);
        else if (value instanceof Uint8Array) this.#answerLater(ticket, value);
        else this.#run(ticket, call);
      });
    } catch {
      // `run` fails alike.
      return false;
    }
  }

  #answerLater(ticket: number, rows: Uint8Array): void {
    this.#near.push(ticket, new PackedRows(rows));
    if (this.#near.length > 2) return;
    queueMicrotask(() => {
      const answers = this.#near;
      this.#near = [];
      this.#host.completeEach(answers);
    });
  }

  #run(ticket: number, call: OperationCall): void {
    const { complete, during } = this.#host;
    during(
      run(call.name, this.#context(call), call.args).then(
        (value) => complete(ticket, value, undefined),
        (error) => complete(ticket, undefined, WippyError.from(error)),
      ),
    );
  }

  /** Answers an operation that needs no waiting. @throws WippyError */
  immediate(call: OperationCall): LuaValue {
    return now(find(call.name, "immediate"), this.#context(call), call.args);
  }

  /**
   * Writes to an open file of a unit: scripts do this too often for an operation.
   *
   * @param data is copied
   * @returns the failure as a list of message and error number
   */
  write(work: number, file: number, data: Uint8Array): LuaValue {
    try {
      this.#work(work).resources.get(file, StandardFile).write(data);
      return undefined;
    } catch (error) {
      return systemFailure(error);
    }
  }

  /**
   * Reads from an open file of a unit, as often as `write`.
   *
   * @param buffer what is read is put there, and good until the next call
   * @returns the bytes, none at the end; or the failure as a list of message and error number
   */
  read(work: number, file: number, buffer: Buffer): LuaValue {
    try {
      return buffer.subarray(0, this.#work(work).resources.get(file, StandardFile).read(buffer));
    } catch (error) {
      return systemFailure(error);
    }
  }

  /** What a unit needs to be allowed to do for an operation; nothing for arguments that it refuses anyway. */
  permission(name: string, args: LuaValue[]): LuaValue {
    const operation = operationNamed(name);
    if (!operation?.permission) return undefined;
    return asLua(operation.permission(checkArguments(operation, args)));
  }

  /** Answers a pure operation. @throws WippyError */
  pure(name: string, args: LuaValue[]): LuaValue {
    const context: OperationContext = {
      signal: neverAborted,
      pid: "",
      entry: "",
      resources: new ResourceTable(),
      services: this.#services,
    };
    return now(find(name, "pure"), context, args);
  }

  /** Runs an operation as the activity of a workflow; what it opens is closed when it is done. */
  async runForWorkflow(
    { token, idempotencyToken, pid, entry: name }: ActivityTask,
    args: LuaValue[],
  ): Promise<LuaValue> {
    const controller = new AbortController();
    const resources = new ResourceTable();
    this.#attempts.set(token, controller);
    try {
      const services = this.#services;
      const { signal } = controller;
      const context = { signal, pid, entry: "", resources, services, once: idempotencyToken };
      const value = await run(name, context, args);
      if (!(value instanceof PackedRows)) return value;
      // Recorded as the values that they are.
      const { unpackRows } = await import("../vm/rows.ts");
      return asLua(unpackRows(value.bytes));
    } finally {
      this.#attempts.delete(token);
      await resources.closeAll();
    }
  }

  /** Aborts a workflow's operation. */
  abort(token: string): void {
    this.#attempts.get(token)?.abort();
  }

  /** A unit has ended: aborts what it has running, closes what it has open. */
  end(work: number): void {
    const ended = this.#works.get(work);
    if (!ended) return;
    this.#works.delete(work);
    ended.controller.abort();
    void ended.resources.closeAll();
  }

  /** Ends the work of all units. */
  close(): void {
    for (const work of [...this.#works.keys()]) this.end(work);
    for (const controller of this.#attempts.values()) controller.abort();
  }
}

const neverAborted = new AbortController().signal;

function find(name: string, mode: Operation["mode"]): Operation {
  const operation = operationNamed(name);
  if (operation?.mode === mode) return operation;
  throw new WippyError("Internal", `there is no ${mode} operation ${name}`, { retryable: false });
}

async function run(
  name: string,
  context: OperationContext,
  args: LuaValue[],
): Promise<OperationValue> {
  const operation = find(name, "async");
  return await operation.run(context, checkArguments(operation, args));
}

function now(operation: Operation, context: OperationContext, args: LuaValue[]): LuaValue {
  const value = operation.run(context, checkArguments(operation, args));
  if (value instanceof Promise || value instanceof PackedRows) {
    throw new WippyError("Internal", `${operation.name} does not answer at once`);
  }
  return value;
}
