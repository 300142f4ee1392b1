/**
 * A kernel with some units that wait in all ways there are, and victims that call functions of the runtime where
 * memory or stack is short. After each call the neighbours must answer as before.
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { WippyError } from "../../src/vm/error.ts";
import { loadLuaModule } from "../../src/vm/module.ts";
import { type LuaValue, MultiReturn, numberOf } from "../../src/vm/value.ts";
import { type LuaRef, Vm } from "../../src/vm/vm.ts";
import { sources } from "../../src/worker/sources.ts";

const exported = ["configure", "host", "run", "complete", "request", "make_error", "error_meta"];
const host = "fuzz:processes";
const modules = ["time", "funcs", "workflow", "activity", "ctx", "contract", "json", "uuid"];

const receiver = `return { main = function(name)
  local inbox = process.inbox()
  process.set_options({ trap_links = true })
  while true do
    local message = inbox:receive()
    if message:topic() == "ask" then
      print(name .. " " .. message:payload():data() .. " " .. process.pid())
    end
  end
end }`;

const selector = `return { main = function(name)
  local asked, events = process.listen("ask"), process.events()
  process.set_options({ trap_links = true })
  while true do
    local got = channel.select({ asked:case_receive(), events:case_receive() })
    if got.channel == asked then print(name .. " " .. got.value .. " " .. process.pid()) end
  end
end }`;

const sleeper = `local time = require("time")
return { main = function(name)
  local n, inbox = 0, process.inbox()
  process.set_options({ trap_links = true })
  coroutine.spawn(function()
    while true do time.sleep("10ms") n = n + 1 end
  end)
  while true do
    local message = inbox:receive()
    if message:topic() == "ask" then
      local before = n
      time.sleep("25ms")
      if n > before then print(name .. " " .. message:payload():data() .. " " .. process.pid()) end
    end
  end
end }`;

const neighbours = { receiver, selector, sleeper };

/** The ways in which something is short. */
export type Mode = "allocations" | "depth" | "levels";

/** What became of one call. */
export interface Trial {
  /** Whether the call failed since something was short. */
  refused: boolean;
  /** What the neighbours, or the kernel, do not do any more. */
  wrong: string[];
}

export class World {
  readonly #vm: Vm;
  readonly #clock: { ms: number };
  readonly #refs: LuaRef[];
  readonly #log: string[] = [];
  readonly #answers = new Map<number, LuaValue[]>();
  readonly #due: (() => void)[] = [];
  readonly #pids = new Map<string, string>();
  #ticket = 0;

  private constructor(vm: Vm, clock: { ms: number }) {
    this.#vm = vm;
    this.#clock = clock;
    const process = (id: string, source: string) => ({
      id,
      kind: "process.lua",
      source,
      method: "main",
      modules,
    });
    const victim = readFileSync(join(import.meta.dir, "victim.lua"), "utf8")
      .replace("MODULES", `("${modules.join(" ")}")`);
    const entries = new Map<string, Record<string, unknown>>(
      [
        process("fuzz:victim", victim),
        process("fuzz:nop", "return { main = function() process.inbox():receive() end }"),
        process("fuzz:ends", "return { main = function() return 1 end }"),
        ...Object.entries(neighbours).map(([name, source]) => process(`fuzz:${name}`, source)),
        {
          ...process("fuzz:double", "return { main = function(n) return n * 2 end }"),
          kind: "function.lua",
          pool: { type: "lazy", workers: 8 },
        },
      ].map((entry) => [entry.id, entry]),
    );
    const unavailable = () => new WippyError("Unavailable", "not here", { retryable: true });
    const none = () => new MultiReturn([undefined, unavailable()]);
    vm.register("emit", (kind, ...args) => {
      if (kind === "reply") this.#answers.set(Number(args[1]), args.slice(2));
      const ticket = kind === "route"
        ? Number(args[1])
        : kind === "operation"
        ? Number(args[0])
        : 0;
      if (ticket !== 0) {
        this.#due.push(() => this.#call("complete", ticket, undefined, unavailable()));
      }
    });
    vm.register("publish", (ticket) => {
      this.#due.push(() => this.#call("complete", Number(ticket), undefined, unavailable()));
    });
    vm.register("entry", (id) => entries.get(String(id)) as LuaValue);
    vm.register("pure", none);
    vm.register("immediate", none);
    vm.register("log", (_level, _logger, message) => void this.#log.push(String(message)));
    vm.register("place", () => 0);
    vm.register("watch", () => {});
    let digits = 0;
    vm.register("random_digits", (count) => (++digits).toString(16).padStart(Number(count), "0"));
    vm.register("fail", (after) => vm.failAllocations(Number(after)));
    const files: Record<string, string> = {
      ...sources,
      "kernel/globals": sources["kernel/globals"]!.replace(
        /return true\s*$/,
        'sandbox.always("fail", host.fail)\nreturn true\n',
      ),
    };
    this.#refs = vm.load(files["kernel/boot"]!, "=lua/kernel/boot", files, exported);
    const ref = (name: string) => this.#refs[exported.indexOf(name)]!;
    vm.setErrorType({ metatable: ref("error_meta"), construct: ref("make_error") });
    this.#call("configure", 0, 1, true, false, 1, 2 ** 30);
    this.#call("host", host, "process.host", "running");
    for (const name of Object.keys(neighbours)) {
      this.#pids.set(name, this.#spawn(`fuzz:${name}`, name));
    }
    this.#run(0);
  }

  static async create(): Promise<World> {
    const clock = { ms: Date.UTC(2024, 0, 1) };
    const vm = await Vm.create({
      module: await loadLuaModule(),
      clock: () => clock.ms,
      memoryLimit: 256 * 2 ** 20,
    });
    return new World(vm, clock);
  }

  /** The names of all cases. */
  cases(): string[] {
    this.#spawn("fuzz:victim", "names");
    this.#run(0);
    return this.#log.splice(0).filter((line) => line.startsWith("case ")).map((line) =>
      line.slice("case ".length)
    );
  }

  /** Calls a case where something is short; `n`: allocations that succeed before, or the stride of levels. */
  attempt(mode: Mode, name: string, n: number): Trial {
    const wrong: string[] = [];
    const victim = this.#spawn("fuzz:victim", mode, name, this.#pids.get("receiver")!, n);
    this.#run(20);
    this.#vm.failAllocations(-1);
    const lines = this.#log.splice(0);
    const refused = lines.includes("refused");
    wrong.push(...lines.filter((line) => line.startsWith("wrong: ")));
    this.#request("terminate", victim);
    this.#run(0);
    const token = `token-${++this.#ticket}`;
    for (const pid of this.#pids.values()) {
      this.#request("send", pid, "ask", "{fuzz|0x0}", 1, token);
    }
    this.#run(60);
    const said = this.#log.splice(0);
    for (const [neighbour, pid] of this.#pids) {
      if (said.filter((line) => line === `${neighbour} ${token} ${pid}`).length !== 1) {
        wrong.push(`the ${neighbour} does not answer: ${JSON.stringify(said)}`);
      }
    }
    return { refused, wrong };
  }

  close(): void {
    this.#vm.close();
  }

  #call(name: string, ...args: LuaValue[]): LuaValue[] {
    return this.#vm.call(this.#refs[exported.indexOf(name)]!, ...args);
  }

  #request(operation: string, ...args: LuaValue[]): LuaValue[] {
    const ticket = ++this.#ticket;
    this.#call("request", -1, ticket, operation, ...args);
    return this.#answers.get(ticket) ?? [];
  }

  #spawn(id: string, ...args: LuaValue[]): string {
    const frame = { values: {} };
    const [pid, error] = this.#request(
      "spawn",
      id,
      host,
      frame,
      undefined,
      false,
      false,
      undefined,
      ...args,
    );
    if (typeof pid !== "string") throw WippyError.from(error);
    return pid;
  }

  /** Runs until nothing is runnable for so many milliseconds of the virtual clock. */
  #run(ms: number): void {
    let left = ms;
    for (;;) {
      this.#vm.beginTurn();
      for (const complete of this.#due.splice(0)) complete();
      const [more, , due] = this.#call("run");
      if (more === true || this.#due.length > 0) continue;
      if (due === undefined || left <= 0) return;
      const step = Math.min(left, Math.max(1, Math.ceil(numberOf(due))));
      left -= step;
      this.#clock.ms += step;
    }
  }
}
