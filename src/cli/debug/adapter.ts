import {
  CapabilitiesEvent,
  ContinuedEvent,
  DebugSession,
  ExitedEvent,
  InitializedEvent,
  OutputEvent,
  StoppedEvent,
  TerminatedEvent,
} from "@vscode/debugadapter";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { basename, resolve } from "node:path";
import type { Calls } from "../../node/debugger/calls.ts";
import type { DebugEvent, StepKind, Variable } from "../../node/debugger/target.ts";
import { WippyError } from "../../vm/error.ts";
import type { Console } from "../terminal/terminal.ts";
import type { Attached } from "./attached.ts";
import { type Attach, callOf, type DebugOptions, readAttach, readLaunch } from "./launch.ts";
import type { RecordedRun } from "./recorded-run.ts";
import { Runtime, type RuntimeListener } from "./runtime.ts";

/** The filters of exceptions that `setExceptionBreakpoints` may name. */
const uncaught = {
  filter: "uncaught",
  label: "Uncaught errors",
  description: "Stops where an error is raised that ends its unit",
  default: true,
};

const all = {
  filter: "all",
  label: "All errors",
  description: "Stops where an error is raised, also if pcall catches it",
  default: false,
};

/** Numbers of the errors that are answered; the text says what is wrong. */
const failed = 1;

/** What is debugged. */
type Target = Runtime | RecordedRun | Attached;

/** One session of the Debug Adapter Protocol: requests of an editor in, calls of a runtime's debugger out. */
export class Adapter extends DebugSession {
  readonly #console: Console;
  readonly #defaults: DebugOptions;
  readonly #ended = Promise.withResolvers<void>();
  #runtime: Target | undefined;
  /** The error at which a thread stands. */
  readonly #exceptions = new Map<number, { text: string; caught: boolean }>();

  /**
   * @param console where `cwd` of a launch begins
   * @param defaults what a launch is about which names nothing to run
   */
  constructor(console: Console, defaults: DebugOptions = {}) {
    super();
    this.#console = console;
    this.#defaults = defaults;
    this.setDebuggerLinesStartAt1(true);
    this.setDebuggerColumnsStartAt1(true);
  }

  /** Fulfilled when the editor has ended the session, or is gone. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** The editor is gone, or has said so. */
  override shutdown(): void {
    this.#runtime?.release(true);
    this.#ended.resolve();
  }

  get #debugger(): Calls {
    if (!this.#runtime) throw new WippyError("Invalid", "nothing is being debugged");
    return this.#runtime.debugger;
  }

  /** Answers a request with what `work` fills in, or with its error. */
  async #answer(response: DebugProtocol.Response, work: () => Promise<unknown>): Promise<void> {
    try {
      const body = await work();
      if (body !== undefined) response.body = body;
      this.sendResponse(response);
    } catch (error) {
      const { message } = WippyError.from(error);
      this.sendErrorResponse(response, {
        id: failed,
        // With an underscore: what is not personal, which is shown.
        format: "{_message}",
        variables: { _message: message },
        showUser: true,
      });
    }
  }

  /** Clients that say nothing of paths mean paths; the base class wants it said. */
  protected override dispatchRequest(request: DebugProtocol.Request): void {
    if (request.command === "initialize") {
      request.arguments = { pathFormat: "path", ...request.arguments };
    }
    super.dispatchRequest(request);
  }

  protected override initializeRequest(response: DebugProtocol.InitializeResponse): void {
    response.body = {
      supportsConfigurationDoneRequest: true,
      supportsConditionalBreakpoints: true,
      supportsHitConditionalBreakpoints: true,
      supportsLogPoints: true,
      supportsEvaluateForHovers: true,
      supportsSetVariable: true,
      supportsExceptionInfoRequest: true,
      supportsTerminateRequest: true,
      supportTerminateDebuggee: true,
      supportsSingleThreadExecutionRequests: true,
      exceptionBreakpointFilters: [uncaught, all],
    };
    this.sendResponse(response);
  }

  protected override launchRequest(
    response: DebugProtocol.LaunchResponse,
    args: DebugProtocol.LaunchRequestArguments,
  ): void {
    void this.#answer(response, () => {
      const given = readLaunch(args);
      const named = given.program ?? given.command ?? given.run ?? given.test;
      const { test, filter } = this.#defaults;
      const tests = {
        ...(test !== undefined && { test }),
        ...(filter !== undefined && { filter }),
      };
      const launch = named === undefined ? { ...given, ...tests } : given;
      if (this.#defaults.attach && named === undefined) return this.#attach(launch);
      return this.#begin(launch.cwd, async (console, listener) => {
        const run = named === undefined ? this.#defaults.run : launch.run;
        if (run === undefined) {
          return new Runtime(callOf(launch), console.directory, launch.env ?? {}, listener);
        }
        const { RecordedRun } = await import("./recorded-run.ts");
        this.sendEvent(new CapabilitiesEvent({ supportsStepBack: true }));
        return new RecordedRun(console, { run, state: launch.state }, listener);
      });
    });
  }

  protected override attachRequest(
    response: DebugProtocol.AttachResponse,
    args: DebugProtocol.AttachRequestArguments,
  ): void {
    void this.#answer(response, () => this.#attach(readAttach(args)));
  }

  async #attach({ cwd, state = this.#defaults.state }: Attach): Promise<void> {
    const { Attached } = await import("./attached.ts");
    await this.#begin(cwd, (console, listener) => {
      return new Attached(console, state === undefined ? {} : { state }, listener);
    });
    // Its end is not the debugger's to decide.
    this.sendEvent(
      new CapabilitiesEvent({ supportTerminateDebuggee: false, supportsTerminateRequest: false }),
    );
  }

  /** Takes what is to be debugged, once it can be. */
  async #begin(
    cwd: string | undefined,
    make: (console: Console, listener: RuntimeListener) => Target | Promise<Target>,
  ): Promise<void> {
    if (this.#runtime) throw new WippyError("Invalid", "something is debugged already");
    const console = { ...this.#console, directory: resolve(this.#console.directory, cwd ?? ".") };
    this.#runtime = await make(console, {
      event: (event) => this.#tell(event),
      output: (to, text) => this.sendEvent(new OutputEvent(text, to)),
      ended: (status) => {
        if (status !== undefined) this.sendEvent(new ExitedEvent(status));
        this.sendEvent(new TerminatedEvent());
      },
    });
    await this.#runtime.waits;
    // Breakpoints can be set from now on.
    this.sendEvent(new InitializedEvent());
  }

  protected override configurationDoneRequest(
    response: DebugProtocol.ConfigurationDoneResponse,
  ): void {
    void this.#answer(response, () => Promise.resolve(this.#runtime?.launch()));
  }

  #tell(event: DebugEvent): void {
    if (event.kind === "output") {
      const output: DebugProtocol.OutputEvent = new OutputEvent(event.text, "console");
      if (event.file !== undefined) output.body.source = sourceOf(event.file);
      this.sendEvent(output);
    } else if (event.kind === "continued") {
      this.sendEvent(new ContinuedEvent(event.thread, false));
    } else {
      const { thread, reason, text, breakpoints, caught = false } = event;
      if (text !== undefined) this.#exceptions.set(thread, { text, caught });
      const stopped: DebugProtocol.StoppedEvent = new StoppedEvent(reason, thread, text);
      stopped.body.allThreadsStopped = false;
      stopped.body.hitBreakpointIds = breakpoints;
      this.sendEvent(stopped);
    }
  }

  protected override setBreakPointsRequest(
    response: DebugProtocol.SetBreakpointsResponse,
    { source, breakpoints = [] }: DebugProtocol.SetBreakpointsArguments,
  ): void {
    void this.#answer(response, async () => {
      if (source.path === undefined) throw new WippyError("Invalid", "source.path is missing");
      const wanted = breakpoints.map(({ line, condition, hitCondition, logMessage }) => ({
        line: this.convertClientLineToDebugger(line),
        ...(condition && { condition }),
        ...(hitCondition && { hits: hitCondition }),
        ...(logMessage && { log: logMessage }),
      }));
      const placed = await this.#debugger.breakpoints(resolve(source.path), wanted);
      return {
        breakpoints: placed.map(({ line, ...rest }) => ({
          ...rest,
          ...(line !== undefined && { line: this.convertDebuggerLineToClient(line) }),
          source,
        })),
      };
    });
  }

  protected override setExceptionBreakPointsRequest(
    response: DebugProtocol.SetExceptionBreakpointsResponse,
    { filters }: DebugProtocol.SetExceptionBreakpointsArguments,
  ): void {
    const which = filters.includes(all.filter)
      ? "all"
      : filters.includes(uncaught.filter) && "uncaught";
    void this.#answer(response, () => this.#debugger.exceptions(which));
  }

  protected override exceptionInfoRequest(
    response: DebugProtocol.ExceptionInfoResponse,
    { threadId }: DebugProtocol.ExceptionInfoArguments,
  ): void {
    void this.#answer(response, () => {
      const found = this.#exceptions.get(threadId);
      if (!found) throw new WippyError("NotFound", `thread ${threadId} stands at no error`);
      return Promise.resolve({
        exceptionId: "error",
        description: found.text,
        breakMode: found.caught ? "always" : "unhandled",
      });
    });
  }

  protected override threadsRequest(response: DebugProtocol.ThreadsResponse): void {
    void this.#answer(response, async () => {
      const threads = await this.#debugger.threads();
      return { threads: threads.map(({ id, name }) => ({ id, name })) };
    });
  }

  #go(response: DebugProtocol.Response, thread: number, kind?: StepKind): Promise<void> {
    return this.#answer(response, async () => {
      this.#exceptions.delete(thread);
      await this.#debugger.continue(thread, kind);
    });
  }

  protected override continueRequest(
    response: DebugProtocol.ContinueResponse,
    { threadId }: DebugProtocol.ContinueArguments,
  ): void {
    response.body = { allThreadsContinued: false };
    void this.#go(response, threadId);
  }

  protected override nextRequest(
    response: DebugProtocol.NextResponse,
    { threadId }: DebugProtocol.NextArguments,
  ): void {
    void this.#go(response, threadId, "over");
  }

  protected override stepInRequest(
    response: DebugProtocol.StepInResponse,
    { threadId }: DebugProtocol.StepInArguments,
  ): void {
    void this.#go(response, threadId, "in");
  }

  protected override stepOutRequest(
    response: DebugProtocol.StepOutResponse,
    { threadId }: DebugProtocol.StepOutArguments,
  ): void {
    void this.#go(response, threadId, "out");
  }

  protected override stepBackRequest(response: DebugProtocol.StepBackResponse): void {
    void this.#answer(response, () => this.#recorded.move("back"));
  }

  protected override reverseContinueRequest(
    response: DebugProtocol.ReverseContinueResponse,
  ): void {
    void this.#answer(response, () => this.#recorded.move("start"));
  }

  get #recorded(): RecordedRun {
    if (this.#runtime && "move" in this.#runtime) return this.#runtime;
    throw new WippyError("Invalid", "only a recorded run goes back: launch one with run");
  }

  protected override pauseRequest(
    response: DebugProtocol.PauseResponse,
    { threadId }: DebugProtocol.PauseArguments,
  ): void {
    void this.#answer(response, () => this.#debugger.pause(threadId));
  }

  protected override stackTraceRequest(
    response: DebugProtocol.StackTraceResponse,
    { threadId, startFrame = 0, levels = 0 }: DebugProtocol.StackTraceArguments,
  ): void {
    void this.#answer(response, async () => {
      const frames = await this.#debugger.stack(threadId);
      const page = frames.slice(startFrame, levels > 0 ? startFrame + levels : undefined);
      return {
        totalFrames: frames.length,
        stackFrames: page.map(({ id, name, line, file, chunk }) => ({
          id,
          name,
          line: this.convertDebuggerLineToClient(line),
          column: this.convertDebuggerColumnToClient(1),
          source: file === undefined ? { name: chunk } : sourceOf(file),
        })),
      };
    });
  }

  protected override scopesRequest(
    response: DebugProtocol.ScopesResponse,
    { frameId }: DebugProtocol.ScopesArguments,
  ): void {
    void this.#answer(response, async () => {
      const scopes = await this.#debugger.scopes(frameId);
      return {
        scopes: scopes.map(({ name, ref }) => ({
          name,
          variablesReference: ref,
          expensive: name === "Globals",
          ...(name === "Locals" && { presentationHint: "locals" }),
        })),
      };
    });
  }

  protected override variablesRequest(
    response: DebugProtocol.VariablesResponse,
    { variablesReference, filter, start, count }: DebugProtocol.VariablesArguments,
  ): void {
    void this.#answer(response, async () => {
      const variables = await this.#debugger.variables(variablesReference, {
        ...(start !== undefined && { start }),
        ...(count !== undefined && { count }),
        ...(filter !== undefined && { filter }),
      });
      return { variables: variables.map((each) => ({ name: each.name, ...shown(each) })) };
    });
  }

  protected override setVariableRequest(
    response: DebugProtocol.SetVariableResponse,
    { variablesReference, name, value }: DebugProtocol.SetVariableArguments,
  ): void {
    void this.#answer(
      response,
      async () => shown(await this.#debugger.set(variablesReference, name, value)),
    );
  }

  protected override evaluateRequest(
    response: DebugProtocol.EvaluateResponse,
    { expression, frameId }: DebugProtocol.EvaluateArguments,
  ): void {
    void this.#answer(response, async () => {
      if (frameId === undefined) {
        throw new WippyError("Invalid", "stop a thread first: code runs in one of its frames");
      }
      const { value, ...rest } = shown(await this.#debugger.evaluate(frameId, expression));
      return { result: value, ...rest };
    });
  }

  protected override terminateRequest(response: DebugProtocol.TerminateResponse): void {
    this.#runtime?.release(true);
    this.sendResponse(response);
  }

  protected override disconnectRequest(
    response: DebugProtocol.DisconnectResponse,
    { terminateDebuggee = true }: DebugProtocol.DisconnectArguments,
  ): void {
    this.#runtime?.release(terminateDebuggee);
    this.#runtime = undefined;
    this.sendResponse(response);
    this.shutdown();
  }
}

function sourceOf(file: string): DebugProtocol.Source {
  return { name: basename(file), path: file };
}

/** A value as the protocol has it. */
function shown({ value, type, ref = 0, indexed }: Variable) {
  return {
    value,
    type,
    variablesReference: ref,
    ...(indexed !== undefined && { indexedVariables: indexed }),
  };
}
