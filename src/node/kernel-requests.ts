import { pack } from "../vm/codec.ts";
import { type LuaValue, PackedList } from "../vm/value.ts";
import { NODE, type ToWorker } from "../worker/messages.ts";

/**
 * What the node asks a worker's kernel, by name: the operations of `lua/kernel/processes/requests.lua` with their
 * arguments. Other workers ask for the same ones, so that they have positions; see `targeted` in `requests/request.ts`.
 */
export interface KernelRequests {
  send: [pid: string, topic: string, from: string, count: number, ...values: LuaValue[]];
  send_each: [pids: string[], topic: string, from: string, count: number, ...values: LuaValue[]];
  /** `deadline` in nanoseconds from now, after which it is terminated. */
  cancel: [pid: string, from: string, reason: string, deadline?: bigint];
  terminate: [pid: string];
  exit_event: [watcher: string, pid: string, value: LuaValue, error: LuaValue];
  /** Watches a process for a unit of the node. */
  monitor: [pid: string, watcher: string];
  demonitor: [pid: string, watcher: string];
  unlinked: [watcher: string, pid: string];
  link_down: [watcher: string, pid: string, error: LuaValue];
  event: [subscriptions: number[], system: string, kind: string, path: string, data: LuaValue];
  call: [functionId: string, frame: LuaValue, ...args: LuaValue[]];
  /** A call whose function has a request, see `Served.describe`; see `ServedAnswer` for the answer. */
  call_request: [functionId: string, frame: LuaValue, checks: LuaValue, request: LuaValue];
  /** Calls for messages of a consumer, each `[delivery, body]`; its request `ended` gets the outcomes. */
  deliver: [functionId: string, frame: LuaValue, consumer: string, items: LuaValue[]];
  /** Of a call: who asked, and its ticket. */
  cancel_call: [origin: number, ticket: number];
  /** The PID is the answer; the outcome of the process answers `endTicket`. */
  spawn_watched: [
    endTicket: number,
    id: string,
    host: string,
    frame: LuaValue,
    ...args: LuaValue[],
  ];
  /** Whether starts and ends of units are told. */
  observe: [on: boolean];
  /** How many bytes the worker's Lua may have. */
  limit_memory: [bytes: number];
  /** How many samples of metrics may wait for the node. */
  measure: [limit: number];
  /** Has calls of functions counted, their times by these bounds (ns). */
  count_calls: [bounds: number[]];
  /** How many compiled programs of `eval_runner` are kept, and for how many milliseconds; 0: for ever. */
  keep_programs: [most: number, time: number];
  /** Entry with changed code to the changed entries that it uses. */
  outdated: [changed: ReadonlyMap<string, string[]>];
  units: [query: LuaValue];
  functions: [];
  evaluate: [pid: string, code: string];
  define_unit: [table: string, name: string];
  refuse_unit: [table: string, name: string];
  /** What the debugger asks: a command of `lua/kernel/debug/debug.lua` with its arguments. */
  debug: [command: string, ...args: LuaValue[]];
  complete_code: [pid: string, path: string[], beginning: string];
}

/** The name of something that the node asks a kernel. */
export type KernelRequest = keyof KernelRequests;

/** Asks a worker's kernel, without an answer. */
export type Tell = <Op extends KernelRequest>(
  worker: number,
  op: Op,
  ...args: KernelRequests[Op]
) => void;

/** The message of a request. @param ticket of the answer; 0: none is wanted */
export function requestOf(
  ticket: number,
  op: KernelRequest,
  args: LuaValue | PackedList,
): ToWorker {
  const packed = args instanceof PackedList ? args.bytes : pack(args);
  return { type: "request", origin: NODE, ticket, op, args: packed };
}
