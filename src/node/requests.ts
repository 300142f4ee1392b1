import { WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import { type Bus, UnitSubscriptions } from "./bus.ts";
import { Groups } from "./groups.ts";
import type { LiveRegistry } from "./live-registry.ts";
import { registryRequests } from "./registry-requests.ts";
import type { Names } from "./names.ts";
import { workerOf } from "./pid.ts";
import { scheduleRequest } from "./schedule-requests.ts";
import { type SystemAccess, systemRequests } from "./system-requests.ts";
import type { WorkerPool } from "./worker-pool.ts";
import type { WorkflowHosts } from "./workflow-hosts.ts";
import type { StartWorkflow } from "../workflows/requests.ts";

type Handler = (origin: number, ...args: LuaValue[]) => LuaValue | Promise<LuaValue>;

/** A list that Lua made: its length is told apart, since nil at the end is lost and holes make it a Map. */
function listOf(value: LuaValue, count: number): LuaValue[] {
  return Array.from({ length: count }, (_, index) => {
    if (Array.isArray(value)) return value[index];
    if (value instanceof Map) return value.get(index + 1);
    return undefined;
  });
}

function field(value: LuaValue, name: string): LuaValue {
  if (value instanceof Map) return value.get(name);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return (value as Record<string, LuaValue>)[name];
  }
  return undefined;
}

function texts(value: LuaValue): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** `{topic, n, value}` of a start-up message. */
function startupMessage(value: LuaValue): { name: string; payloads: LuaValue[] } {
  const [name, n, payload] = listOf(value, 3);
  const count = Number(n);
  return { name: String(name), payloads: count === 1 ? [payload] : listOf(payload, count) };
}

function startWorkflow(args: LuaValue[]): StartWorkflow {
  const [entry, hostId, frame, , , , spec] = args;
  const packed = field(spec, "args");
  const name = field(spec, "name");
  const messages = field(spec, "messages");
  return {
    entry: String(entry),
    frame,
    options: field(spec, "options"),
    sender: String(field(spec, "sender")),
    args: listOf(packed, Number(field(packed, "n") ?? 0)),
    messages: Array.isArray(messages) ? messages.map(startupMessage) : [],
    ...(typeof hostId === "string" && { hostId }),
    ...(typeof name === "string" && { name }),
  };
}

/**
 * What workers ask the node for: names, and everything that targets a workflow. The operations have the
 * names and arguments of `actors.here` in `lua/kernel/processes/processes.lua`.
 */
export class NodeRequests {
  readonly #handlers: Record<string, Handler>;
  /** Forgets what a worker that died had asked for. */
  readonly workerDied: (worker: number) => void;

  constructor(
    names: Names,
    workflows: WorkflowHosts,
    pool: WorkerPool,
    bus: Bus,
    registry: LiveRegistry,
    system: SystemAccess,
  ) {
    const systemState = systemRequests(system);
    const groups = new Groups(
      (worker, op, ...args) => pool.tell(worker, op, ...args),
      workerOf,
    );
    const subscriptions = new UnitSubscriptions(
      bus,
      (worker, op, ...args) => pool.tell(worker, op, ...args),
    );
    this.workerDied = (worker) => {
      subscriptions.removeWorker(worker);
      groups.workerDied(worker);
      systemState.workerDied(worker);
    };
    /** Ends of watches, by `target watcher`. */
    const watches = new Map<string, () => void>();
    /** Workflows that have names, which end with them. */
    const named = new Set<string>();

    const tellWatcher = (watcher: string, op: string, ...args: LuaValue[]) => {
      const worker = workerOf(watcher);
      if (worker !== undefined) pool.tell(worker, op, watcher, ...args);
    };
    const monitor = (target: string, watcher: string, runId?: string) => {
      const key = `monitor ${target} ${watcher}`;
      const end = workflows.watch(target, (value, error) => {
        watches.delete(key);
        tellWatcher(watcher, "exit_event", target, value, error);
      }, runId);
      watches.get(key)?.();
      watches.set(key, end);
    };
    const link = (target: string, watcher: string, runId?: string) => {
      const key = `link ${target} ${watcher}`;
      const end = workflows.watch(target, (value, error) => {
        watches.delete(key);
        // A linked workflow that ends well is told too.
        if (error === undefined) tellWatcher(watcher, "exit_event", target, value);
        else tellWatcher(watcher, "link_down", target, error);
      }, runId);
      watches.get(key)?.();
      watches.set(key, end);
    };
    const unwatch = (kind: string, target: LuaValue, watcher: LuaValue) => {
      const key = `${kind} ${String(target)} ${String(watcher)}`;
      watches.get(key)?.();
      watches.delete(key);
      return true;
    };

    this.#handlers = {
      ...registryRequests(registry),
      ...systemState.handlers,
      lookup: (_, name) => names.lookup(String(name)),
      register: (_, name, pid, take) => {
        if (take === true) return names.claim(String(name), String(pid));
        names.register(String(name), String(pid));
        return true;
      },
      unregister: (_, name) => names.unregister(String(name)),
      names_gone: (_, pid) => {
        names.release(String(pid));
        groups.release(String(pid));
        systemState.release(String(pid));
        return true;
      },
      named: (_, pid) => {
        const owner = String(pid);
        if (named.has(owner)) return true;
        named.add(owner);
        workflows.watch(owner, () => {
          named.delete(owner);
          names.release(owner);
        });
        return true;
      },
      start_workflow: async (_, ...args) => {
        const { pid, runId } = await workflows.start(startWorkflow(args));
        const [, , , watcher, monitored, linked] = args;
        if (typeof watcher === "string") {
          if (monitored === true) monitor(pid, watcher, runId);
          if (linked === true) link(pid, watcher, runId);
        }
        return pid;
      },
      send: async (_, pid, topic, from, n, ...values) => {
        await workflows.signal(
          String(pid),
          String(topic),
          String(from),
          values.slice(0, Number(n)),
        );
        return true;
      },
      schedule: scheduleRequest(workflows.schedules),
      workflow_query: async (_, pid, name, n, ...args) =>
        await workflows.query(
          String(pid),
          String(name),
          Array.from({ length: Number(n) }, (_, index) => args[index]),
        ),
      workflow_update: async (_, pid, from, name, id, stage, n, ...args) =>
        await workflows.update(String(pid), {
          name: String(name),
          sender: String(from),
          stage: stage === "accepted" ? "accepted" : "completed",
          args: Array.from({ length: Number(n) }, (_, index) => args[index]),
          ...(typeof id === "string" && { updateId: id }),
        }),
      update_with_start: async (_, ...args) => {
        const [, , , , , , , spec] = args;
        const id = field(spec, "id");
        const packed = field(spec, "args");
        const { value } = await workflows.updateWithStart(startWorkflow(args), {
          name: String(field(spec, "name")),
          sender: String(field(args[6], "sender")),
          stage: field(spec, "stage") === "accepted" ? "accepted" : "completed",
          args: listOf(packed, Number(field(packed, "n") ?? 0)),
          ...(typeof id === "string" && { updateId: id }),
        });
        return value;
      },
      cancel: async (_, pid, from, reason) => {
        await workflows.cancel(String(pid), String(from), String(reason ?? ""));
        return true;
      },
      terminate: async (_, pid) => {
        await workflows.terminate(String(pid));
        return true;
      },
      monitor: (_, pid, watcher) => {
        monitor(String(pid), String(watcher));
        return true;
      },
      link: (_, pid, watcher) => {
        link(String(pid), String(watcher));
        return true;
      },
      demonitor: (_, pid, watcher) => unwatch("monitor", pid, watcher),
      unlinked: (_, pid, watcher) => unwatch("link", pid, watcher),
      // A linked process that fails does not harm the workflow: only the watch ends.
      link_down: (_, pid, watcher) => unwatch("link", pid, watcher),
      pg_join: (_, scope, pid, names) => {
        groups.join(String(scope), String(pid), texts(names));
        return true;
      },
      pg_leave: (_, scope, pid, names) => {
        groups.leave(String(scope), String(pid), texts(names));
        return true;
      },
      pg_members: (_, scope, name) => groups.members(String(scope), String(name)),
      pg_groups: (_, scope) => groups.names(String(scope)),
      pg_broadcast: (_, scope, name, topic, from, ...values) => {
        groups.broadcast(String(scope), String(name), String(topic), String(from), values);
        return true;
      },
      pg_watch: (origin, scope, subscription, name) => {
        const group = typeof name === "string" ? name : undefined;
        groups.watch(String(scope), origin, Number(subscription), group);
        return group === undefined
          ? groups.all(String(scope))
          : groups.members(String(scope), group);
      },
      pg_unwatch: (origin, subscription) => {
        groups.unwatch(origin, Number(subscription));
        return true;
      },
      lifecycle: (_, batch, lost) => {
        for (const item of Array.isArray(batch) ? batch : []) {
          const { kind, ...data } = item as { kind: string; pid: string };
          bus.publish({ system: "process", kind, path: data.pid, data: data as LuaValue });
        }
        if (Number(lost) > 0) {
          bus.publish({ system: "process", kind: "dropped", path: "*", data: Number(lost) });
        }
        return true;
      },
      event_subscribe: (origin, id, system, kind) => {
        subscriptions.add(origin, Number(id), { system: String(system), kind: String(kind) });
        return true;
      },
      event_unsubscribe: (origin, id) => {
        subscriptions.remove(origin, Number(id));
        return true;
      },
      event_send: (_, system, kind, path, data) => {
        bus.publish({ system: String(system), kind: String(kind), path: String(path), data });
        return true;
      },
      wait: (_, pid) =>
        new Promise<LuaValue>((resolve, reject) => {
          workflows.watch(String(pid), (value, error) => {
            if (error instanceof WippyError) reject(error);
            else resolve(value);
          });
        }),
    };
  }

  /** Answers a worker's request: `[value]`. @throws WippyError what the worker's Lua code gets as error */
  async answer(origin: number, op: string, args: LuaValue[]): Promise<LuaValue[]> {
    const handler = this.#handlers[op];
    if (!handler) {
      throw new WippyError("Internal", `the node has no operation ${op}`, { retryable: false });
    }
    return [await handler(origin, ...args)];
  }
}
