import type { Terminal } from "../../../src/operations/io/terminal.ts";
import {
  checkArguments,
  type OperationContext,
  type OperationServices,
} from "../../../src/operations/operation.ts";
import { operationNamed } from "../../../src/operations/operations.ts";
import { ResourceTable } from "../../../src/operations/resources.ts";
import { builtinModules } from "../../../src/registry/modules.ts";
import { WippyError } from "../../../src/vm/error.ts";
import { loadLuaModule } from "../../../src/vm/module.ts";
import type { HostFunction } from "../../../src/vm/options.ts";
import type { Pushable } from "../../../src/vm/push.ts";
import { LuaFloat, type LuaValue, MultiReturn } from "../../../src/vm/value.ts";
import { Vm } from "../../../src/vm/vm.ts";
import { hostFunctions, kernelOf } from "../../../src/worker/kernel.ts";
import { loadKernelImage } from "../../../src/worker/kernel-image.ts";
import { loadKernelSources } from "../../../src/worker/kernel-sources.ts";
import { testServices } from "../operations/services.ts";

/** What a unit is run with. */
export interface UnitOptions {
  services?: Partial<OperationServices>;
  terminal?: Terminal;
  /** Context values of its frame. */
  values?: Record<string, LuaValue>;
  args?: LuaValue[];
}

/** A line that a unit logged. */
export interface Logged {
  level: LuaValue;
  logger: LuaValue;
  message: LuaValue;
  fields: LuaValue;
  location: LuaValue;
}

/** What became of a unit. */
export interface Outcome {
  value: LuaValue;
  error: WippyError | undefined;
  logs: Logged[];
  /** Milliseconds of virtual time that it took. */
  elapsed: number;
  /** What it held open when it ended, before that was closed. */
  open: number;
}

/**
 * Runs Lua code as a function on the real kernel and VM, under a virtual clock that jumps to the
 * next timer when nothing else is left to do. The code may use every module; what it returns (or
 * its `main`, when it returns a table with one) is the outcome.
 */
export async function runUnit(code: string, options: UnitOptions = {}): Promise<Outcome> {
  const clock = { ms: Date.UTC(2024, 5, 15, 14, 30, 45) };
  const services: OperationServices = {
    ...testServices(),
    clock: { now: () => clock.ms },
    startedAt: clock.ms - 2500,
    ...options.services,
  };
  // As a worker starts: loading the sources anew for each of many hundred cases takes a minute.
  const image = await loadKernelImage();
  const vm = await Vm.create({
    module: await loadLuaModule(),
    clock: () => clock.ms,
    ...(image && { image: image.vm }),
  });
  const resources = new ResourceTable();
  const context: OperationContext = {
    signal: new AbortController().signal,
    pid: "{test:main#lua.1|0x00000}",
    entry: "test:main",
    resources,
    services,
    ...(options.terminal && { terminal: options.terminal }),
  };
  const logs: Logged[] = [];
  const completions: (() => void)[] = [];
  let outcome: { value: LuaValue; error: LuaValue } | undefined;
  let running = 0;
  let arrived: (() => void) | undefined;

  function perform(name: string, mode: string, args: LuaValue[]) {
    const operation = operationNamed(name);
    if (operation?.mode !== mode) throw new WippyError("Internal", `no ${mode} operation ${name}`);
    return operation.run(context, checkArguments(operation, args));
  }
  function pair(name: string, mode: string, args: LuaValue[]) {
    try {
      return new MultiReturn([perform(name, mode, args) as LuaValue, undefined]);
    } catch (error) {
      return new MultiReturn([undefined, WippyError.from(error)]);
    }
  }
  async function start(ticket: LuaValue, name: string, args: LuaValue[]) {
    running += 1;
    let answer: Pushable[];
    try {
      answer = [await perform(name, "async", args), undefined];
    } catch (error) {
      answer = [undefined, WippyError.from(error)];
    }
    running -= 1;
    completions.push(() => kernel("complete", ticket, ...answer));
    arrived?.();
  }

  const main = {
    id: "test:main",
    kind: "function.lua",
    source: code,
    method: "main",
    modules: [...builtinModules.keys()],
    pool: { workers: 1 },
  };
  const host: Partial<Record<(typeof hostFunctions)[number], HostFunction>> = {
    emit: (kind, ...args) => {
      if (kind === "operation") void start(args[0], String(args[4]), args.slice(5));
      else if (kind === "called") outcome = { value: args[1], error: args[2] };
    },
    entry: (id) => (id === main.id ? main : undefined),
    pure: (name, ...args) => pair(String(name), "pure", args),
    immediate: (_work, _pid, _entry, name, ...args) => pair(String(name), "immediate", args),
    log: (level, logger, message, fields, _pid, location) => {
      logs.push({ level, logger, message, fields, location });
    },
    place: () => 0,
    random_digits: (count) => "0".repeat(Number(count)),
  };
  for (const name of hostFunctions) vm.register(name, host[name] ?? (() => {}));
  const { call: kernel } = kernelOf(vm, image?.references ?? loadKernelSources(vm));
  kernel("configure", 0, 1, true, false, 1, 2 ** 30);

  const begun = clock.ms;
  try {
    kernel("call", "1", "test:main", { values: options.values ?? {} }, ...(options.args ?? []));
    while (outcome === undefined) {
      for (const complete of completions.splice(0)) complete();
      const [more, due] = kernel("run");
      if (outcome !== undefined || more === true || completions.length > 0) continue;
      if (running > 0) {
        await new Promise<void>((resolve) => {
          arrived = resolve;
        });
      } else if (typeof due === "number" || due instanceof LuaFloat) {
        // A whole millisecond up, so that rounding never stops just before the timer.
        clock.ms = Math.ceil(clock.ms + (typeof due === "number" ? due : due.value));
      } else throw new Error("the unit waits for something that never comes");
    }
    const { value, error } = outcome;
    return {
      value,
      error: error === undefined ? undefined : WippyError.from(error),
      logs,
      elapsed: clock.ms - begun,
      open: resources.size,
    };
  } finally {
    await resources.closeAll();
    vm.close();
  }
}

/** Runs code that must not fail, and gives what it returned. */
export async function evaluate(code: string, options: UnitOptions = {}): Promise<LuaValue> {
  const { value, error } = await runUnit(`return { main = function(...) ${code}\nend }`, options);
  if (error !== undefined) throw error;
  return value;
}
