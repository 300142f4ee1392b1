import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";
import {
  addedByModule,
  bytesOf,
  defineOperation,
  luaString,
  type Operation,
  type OperationContext,
} from "../operation.ts";
import type { Closable } from "../resources.ts";
import type { ExecRequests, OutputName } from "./requests.ts";

const executor = lazy(() => addedByModule(z.string({ error: "an executor id is text" })));
const handle = lazy(() => addedByModule(z.int()));
const output = lazy(() => addedByModule(z.enum(["stdout", "stderr"])));
const command = lazy(() => z.string({ error: "a command is UTF-8 text" }));
const directory = lazy(() => z.string({ error: "work_dir is UTF-8 text" }).optional());
const environment = lazy(() =>
  z.record(z.string(), z.string({ error: "values of env are UTF-8 text" }))
);

async function ask<Name extends keyof ExecRequests>(
  { services, pid }: OperationContext,
  service: string,
  operation: Name,
  input: ExecRequests[Name] & LuaValue,
  signal?: AbortSignal,
): Promise<LuaValue> {
  return await services.ask({ service, operation, input, pid, ...(signal && { signal }) });
}

/** A program of a unit: it ends with the unit, or by itself. */
class Program implements Closable {
  /** Outputs that will be read. */
  readonly reads = new Set<OutputName>();
  #waited = false;

  constructor(
    readonly executor: string,
    readonly number: number,
    readonly context: OperationContext,
  ) {}

  async close(): Promise<void> {
    await ask(this.context, this.executor, "end", { program: this.number });
  }

  /** Its end was waited for. */
  waited(id: number): void {
    this.#waited = true;
    this.#forget(id);
  }

  /** Nothing more of an output will be read. */
  read(id: number, output: OutputName): void {
    this.reads.delete(output);
    this.#forget(id);
  }

  /** A unit that runs many programs does not keep those that are over. */
  #forget(id: number): void {
    if (!this.#waited || this.reads.size > 0) return;
    if (this.context.resources.remove(id)) this.close().catch(() => {});
  }
}

function fail(kind: string, message: string): never {
  throw new WippyError(kind, message, { retryable: false });
}

/** @throws WippyError Invalid for an empty id or another kind, NotFound */
function checkExecutor({ services }: OperationContext, id: string): void {
  if (id === "") fail("Invalid", "empty executor id");
  const entry = services.entry(id);
  if (!entry) fail("NotFound", `executor not found: ${id}`);
  if (entry.kind.startsWith("exec.")) return;
  fail("Invalid", `${id} is a ${entry.kind} entry; use the id of an exec.* entry`);
}

async function create(
  context: OperationContext,
  id: string,
  input: ExecRequests["create"],
): Promise<LuaValue> {
  const { signal, resources } = context;
  const number = Number(await ask(context, id, "create", { ...input }, signal));
  return resources.add(new Program(id, number, context));
}

function programOf({ resources }: OperationContext, id: number): Program {
  return resources.get(id, Program);
}

/** Asks about a program of the unit. */
async function askProgram<Name extends keyof ExecRequests>(
  context: OperationContext,
  id: number,
  operation: Name,
  input: Omit<ExecRequests[Name], "program">,
): Promise<LuaValue> {
  const program = programOf(context, id);
  const full = { ...input, program: program.number } as ExecRequests[Name] & LuaValue;
  return await ask(program.context, program.executor, operation, full, context.signal);
}

/** Host operations of the module `exec`. The module asks for the permissions. */
export const exec: Operation[] = [
  defineOperation({
    name: "exec.get",
    summary: "Checks that an executor is there.",
    mode: "async",
    arguments: () => [executor()],
    run(context, id) {
      checkExecutor(context, id);
      return true;
    },
  }),
  defineOperation({
    name: "exec.create",
    calledAs: "executor:exec",
    summary: "Makes a program that has not started.",
    mode: "async",
    arguments: () => [executor(), command(), directory(), environment()],
    run: (context, id, text, folder, env) =>
      create(context, id, {
        command: text,
        ...(folder !== undefined && { work_dir: folder }),
        env,
      }),
  }),
  defineOperation({
    name: "exec.start",
    summary: "Starts a program.",
    mode: "async",
    arguments: () => [handle()],
    run: (context, id) => askProgram(context, id, "start", {}),
  }),
  defineOperation({
    name: "exec.wait",
    summary: "Waits for the end of a program. Returns its exit code.",
    mode: "async",
    arguments: () => [handle()],
    async run(context, id) {
      const code = await askProgram(context, id, "wait", {});
      programOf(context, id).waited(id);
      return code;
    },
  }),
  defineOperation({
    name: "exec.take",
    summary: "Says that an output of a program will be read.",
    mode: "async",
    arguments: () => [handle(), output()],
    async run(context, id, name) {
      programOf(context, id).reads.add(name);
      return await askProgram(context, id, "take", { output: name });
    },
  }),
  defineOperation({
    name: "exec.read",
    summary: "Bytes of an output of a program, none at its end.",
    mode: "async",
    arguments: () => [handle(), output(), z.int().positive()],
    async run(context, id, name, size) {
      // Once nothing more will be read, the program may be forgotten.
      const program = context.resources.find(id, Program);
      if (!program?.reads.has(name)) return new Uint8Array();
      const data = await askProgram(context, id, "read", { output: name, size });
      if (data instanceof Uint8Array && data.length === 0) program.read(id, name);
      return data;
    },
  }),
  defineOperation({
    name: "exec.drop",
    summary: "Says that the rest of an output is not read.",
    mode: "async",
    arguments: () => [handle(), output()],
    async run(context, id, name) {
      const program = context.resources.find(id, Program);
      if (!program?.reads.has(name)) return true;
      await askProgram(context, id, "drop", { output: name });
      program.read(id, name);
      return true;
    },
  }),
  defineOperation({
    name: "exec.write",
    summary: "Writes to the input of a program; an empty string closes it.",
    mode: "async",
    arguments: () => [handle(), luaString()],
    run: (context, id, data) => askProgram(context, id, "write", { data: bytesOf(data) }),
  }),
  defineOperation({
    name: "exec.signal",
    summary: "Sends a signal to a program.",
    mode: "async",
    arguments: () => [
      handle(),
      z.int().min(1, { error: "a signal is a number from 1 to 64" })
        .max(64, { error: "a signal is a number from 1 to 64" }),
    ],
    run: (context, id, number) => askProgram(context, id, "signal", { signal: number }),
  }),
  defineOperation({
    name: "exec.close",
    summary: "Ends a program. Twice is harmless.",
    mode: "async",
    arguments: () => [handle(), z.boolean()],
    async run(context, id, force) {
      await askProgram(context, id, "close", { force });
      context.resources.remove(id);
      return true;
    },
  }),
];
