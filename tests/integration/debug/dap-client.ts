import type { DebugProtocol } from "@vscode/debugprotocol";
import { setDefaultTimeout } from "bun:test";
import { join } from "node:path";
import { cleanAfterTest } from "../../cleanup.ts";

const main = join(import.meta.dir, "../../../src/main.ts");

// Every test with an editor starts two or three programs, on a machine that may be busy.
setDefaultTimeout(30_000);

/** An editor, as the adapter sees it. */
export class DapClient {
  readonly #adapter: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #answers = new Map<number, PromiseWithResolvers<DebugProtocol.Response>>();
  readonly #events: DebugProtocol.Event[] = [];
  readonly #waiting: { wanted: string; found: (event: DebugProtocol.Event) => void }[] = [];
  #sequence = 0;

  /** @param args of `wippy debug` */
  constructor(...args: string[]) {
    this.#adapter = Bun.spawn([process.execPath, main, "debug", ...args], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    cleanAfterTest(() => this.#adapter.kill());
    void this.#read();
  }

  async #read(): Promise<void> {
    let rest = Buffer.alloc(0);
    for await (const bytes of this.#adapter.stdout) {
      rest = Buffer.concat([rest, bytes]);
      while (true) {
        const end = rest.indexOf("\r\n\r\n");
        if (end < 0) break;
        const length = Number(/Content-Length: (\d+)/.exec(rest.toString("latin1", 0, end))?.[1]);
        if (rest.length < end + 4 + length) break;
        this.#take(JSON.parse(rest.toString("utf8", end + 4, end + 4 + length)));
        rest = rest.subarray(end + 4 + length);
      }
    }
    for (const { reject } of this.#answers.values()) reject(new Error("the adapter has ended"));
  }

  #take(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === "response") {
      const response = message as DebugProtocol.Response;
      this.#answers.get(response.request_seq)?.resolve(response);
    } else if (message.type === "event") {
      const event = message as DebugProtocol.Event;
      const at = this.#waiting.findIndex(({ wanted }) => wanted === event.event);
      if (at < 0) this.#events.push(event);
      else this.#waiting.splice(at, 1)[0]!.found(event);
    }
  }

  /** Ends the adapter without a word. */
  kill(): void {
    this.#adapter.kill("SIGKILL");
  }

  /** Sends a request; its answer may be a failure. */
  ask(command: string, args: unknown = {}): Promise<DebugProtocol.Response> {
    const seq = ++this.#sequence;
    const text = JSON.stringify({ seq, type: "request", command, arguments: args });
    const answer = Promise.withResolvers<DebugProtocol.Response>();
    this.#answers.set(seq, answer);
    this.#adapter.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    this.#adapter.stdin.flush();
    return answer.promise;
  }

  /** Sends a request and answers the body of its response. @throws Error with the message of a failure */
  async request<Body = unknown>(command: string, args: unknown = {}): Promise<Body> {
    const response = await this.ask(command, args);
    if (!response.success) {
      throw new Error(response.message);
    }
    return response.body;
  }

  /** The next event of a kind. */
  async event<Body = DebugProtocol.StoppedEvent["body"]>(wanted: string): Promise<Body> {
    const at = this.#events.findIndex(({ event }) => event === wanted);
    if (at >= 0) return this.#events.splice(at, 1)[0]!.body;
    const found = Promise.withResolvers<DebugProtocol.Event>();
    this.#waiting.push({ wanted, found: found.resolve });
    return (await found.promise).body;
  }

  /** All output of a category until a text is in it. */
  async output(category: string, text: string): Promise<string> {
    let all = "";
    while (!all.includes(text)) {
      const body = await this.event<DebugProtocol.OutputEvent["body"]>("output");
      if (body.category === category) all += body.output;
    }
    return all;
  }

  /** Launches, with breakpoints set before anything runs. */
  launch(
    args: Record<string, unknown>,
    breakpoints: Record<string, DebugProtocol.SourceBreakpoint[]> = {},
    filters: string[] = [],
  ): Promise<void> {
    return this.#begin("launch", args, breakpoints, filters);
  }

  /** Attaches to a runtime that runs, with breakpoints. */
  attach(
    args: Record<string, unknown>,
    breakpoints: Record<string, DebugProtocol.SourceBreakpoint[]> = {},
  ): Promise<void> {
    return this.#begin("attach", args, breakpoints, []);
  }

  async #begin(
    request: "launch" | "attach",
    args: Record<string, unknown>,
    breakpoints: Record<string, DebugProtocol.SourceBreakpoint[]>,
    filters: string[],
  ): Promise<void> {
    await this.request("initialize", { adapterID: "wippy" });
    await this.request(request, args);
    await this.event("initialized");
    for (const [path, list] of Object.entries(breakpoints)) await this.breakpoints(path, list);
    await this.request("setExceptionBreakpoints", { filters });
    await this.request("configurationDone");
  }

  /** Sets the breakpoints of a file. */
  async breakpoints(
    path: string,
    breakpoints: DebugProtocol.SourceBreakpoint[],
  ): Promise<DebugProtocol.Breakpoint[]> {
    const args = { source: { path }, breakpoints };
    const body = await this.request<DebugProtocol.SetBreakpointsResponse["body"]>(
      "setBreakpoints",
      args,
    );
    return body.breakpoints;
  }

  /** The frames of a thread as `name:line`. */
  async stack(threadId: number): Promise<DebugProtocol.StackFrame[]> {
    const body = await this.request<DebugProtocol.StackTraceResponse["body"]>("stackTrace", {
      threadId,
    });
    return body.stackFrames;
  }

  /** What is in a scope or a variable, as `name = value`. */
  async variables(variablesReference: number, page = {}): Promise<DebugProtocol.Variable[]> {
    const body = await this.request<DebugProtocol.VariablesResponse["body"]>("variables", {
      variablesReference,
      ...page,
    });
    return body.variables;
  }

  /** The scopes of a frame by name. */
  async scopes(frameId: number): Promise<Record<string, number>> {
    const body = await this.request<DebugProtocol.ScopesResponse["body"]>("scopes", { frameId });
    return Object.fromEntries(body.scopes.map(({ name, variablesReference }) => [
      name,
      variablesReference,
    ]));
  }
}
