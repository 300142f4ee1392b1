/**
 * The services of the entries: each is made by the factory of its kind, with what the runtime offers to it.
 * @module
 */
import type { z } from "zod";
import type { LogSink } from "../observe/log.ts";
import type { Platform } from "../platform/platform.ts";
import type { Simulation } from "../platform/simulation.ts";
import { decodeEntry } from "../registry/decode.ts";
import { type Entry, parseId, qualify } from "../registry/entry.ts";
import { moduleDirectory } from "../registry/module-directory.ts";
import type { Variables } from "../registry/placeholder.ts";
import type { DoneChange } from "../registry/versions.ts";
import type { ServiceContext, ServiceEvents, WorkflowDirectory } from "../services/context.ts";
import { serviceFrame } from "../services/identity.ts";
import {
  isServiceKind,
  type ServiceFactory,
  type ServiceKind,
  type ServiceSchema,
} from "../services/service.ts";
import { kinds } from "../registry/kinds.ts";
import { WippyError } from "../vm/error.ts";
import type { Foreground } from "./foreground.ts";
import type { Hosts } from "./hosts.ts";
import type { NodeUnits } from "./node-units.ts";
import type { ServiceUnits } from "./service-units.ts";
import type { Services } from "./services.ts";
import type { WorkerParts } from "./worker-parts.ts";

/** What services are made of. */
export interface ServiceParts {
  entries: ReadonlyMap<string, Entry>;
  variables: Variables;
  directory: string;
  /** Absolute paths of the modules. */
  modules: Readonly<Record<string, string>>;
  stateDir: string;
  log: LogSink;
  platform: Platform;
  simulation: Simulation | undefined;
  portless: boolean | undefined;
  temporary: "file" | "memory" | undefined;
  services: Services;
  hosts: Hosts;
  units: ServiceUnits;
  /** The units that services open. */
  connections: NodeUnits;
  foreground: Foreground;
  parts: WorkerParts;
  workflows: WorkflowDirectory;
  events: ServiceEvents;
}

/** The runtime does not die before its services. */
const never = new AbortController().signal;

type ServiceData = z.output<ServiceSchema>;

/** A listener to changes of entries of some kinds. */
interface Watch {
  kinds: readonly string[];
  listener: () => Promise<void> | void;
}

/** Turns entries into services, and follows changes of the registry. */
export class EntryServices {
  readonly #parts: ServiceParts;
  readonly #factories = new Map<ServiceKind, ServiceFactory<ServiceData>>();
  /** By the entry whose service watches. */
  readonly #watches = new Map<string, Set<Watch>>();

  constructor(parts: ServiceParts) {
    this.#parts = parts;
  }

  /** Makes the services of all entries. @throws WippyError Invalid for one that cannot run */
  async addAll(): Promise<void> {
    const { hosts } = this.#parts;
    const entries = [...this.#parts.entries.values()];
    await this.#load(entries);
    for (const entry of entries) {
      hosts.set(entry, "stopped");
      this.#add(entry);
    }
  }

  /** Has the factories of these entries at hand. */
  async #load(entries: readonly Entry[]): Promise<void> {
    const missing = new Set(entries.map(({ kind }) => kinds.get(kind)).filter(isServiceKind));
    const loaded = Promise.all([...missing].map(async (kind) => {
      if (!this.#factories.has(kind)) this.#factories.set(kind, await kind.service.load());
    }));
    await (this.#parts.simulation?.during(loaded) ?? loaded);
  }

  /** Takes a change set over, after the code: new services, changed and removed ones. @throws WippyError */
  async change(changes: readonly DoneChange[]): Promise<void> {
    const { entries, hosts, services } = this.#parts;
    await this.#load(changes.flatMap(({ entry }) => entries.get(entry.id) ?? []));
    const changed = new Set(changes.map(({ entry }) => entry.kind));
    for (const { entry } of changes) {
      const current = entries.get(entry.id);
      if (current) changed.add(current.kind);
    }
    for (const watch of [...this.#watches.values()].flatMap((set) => [...set])) {
      if (watch.kinds.some((kind) => changed.has(kind))) await watch.listener();
    }
    for (const { kind: change, entry } of changes) {
      const current = entries.get(entry.id);
      if (!current || change === "entry.delete") continue;
      if (change === "entry.create") hosts.set(current, "stopped");
      const kind = kinds.get(current.kind);
      if (!isServiceKind(kind)) {
        await this.remove(current.id);
        continue;
      }
      this.#add(current);
      const { onChange = "restart" } = kind.service;
      if (change === "entry.update" && onChange !== "next_start") {
        if (onChange === "take_over") services.takeOver(current.id);
        else await services.restart(current.id);
      } else if (change === "entry.create" && services.startsByItself(current.id)) {
        await services.start(current.id);
      }
    }
  }

  /** Stops a service, if it runs, and forgets it. */
  async remove(id: string): Promise<void> {
    await this.#parts.services.remove(id);
    this.#watches.delete(id);
  }

  #add(entry: Entry): void {
    const kind = kinds.get(entry.kind);
    const factory = isServiceKind(kind) ? this.#factories.get(kind) : undefined;
    if (!isServiceKind(kind) || !factory) return;
    const { variables, services } = this.#parts;
    const data = decodeEntry(kind, entry, variables);
    const { lifecycle } = data;
    const { namespace } = parseId(entry.id);
    const named = [...lifecycle.requires, ...lifecycle.depends_on]
      .map((reference) => qualify(reference, namespace));
    services.add({
      id: entry.id,
      lifecycle,
      host: kind.service.host !== undefined && kind.service.host !== "connections",
      early: kind.service.early === true,
      requires: [...named, ...kind.service.requires?.(data) ?? []],
      strict: named,
      make: factory(this.#context(entry), data),
    });
  }

  #context(entry: Entry): ServiceContext {
    const { log, services, hosts, units, connections, foreground, ...rest } = this.#parts;
    const { entries, variables, platform } = rest;
    // Those of an earlier definition end with it.
    this.#watches.delete(entry.id);
    return {
      entry,
      entries,
      variables,
      platform,
      directory: rest.directory,
      stateDir: rest.stateDir,
      volumes: {
        entry: (id) => entries.get(id),
        environment: variables,
        directory: rest.directory,
        moduleDirectory: (owned) => moduleDirectory(owned, rest.modules, rest.directory),
      },
      workers: rest.parts.of(entry),
      workflows: rest.workflows,
      events: rest.events,
      ...(rest.simulation && { simulation: rest.simulation }),
      ...(rest.portless && { portless: true }),
      ...(rest.temporary && { temporary: rest.temporary }),
      services: {
        get: (id, type) => {
          const running = services.running(id);
          if (running instanceof type) return running;
          throw new WippyError("Invalid", `${id} is not a ${type.name}`, { retryable: false });
        },
        ask: async (id, operation, input, signal) => {
          const caller = { pid: entry.id, frame: {}, signal, gone: never };
          return await services.ask(id, operation, input, caller);
        },
      },
      units: {
        frame: (security, owner = entry.id) => serviceFrame(security, owner, entries, variables),
        spawn: (...start) => units.spawn(...start),
        call: (...call) => units.call(...call),
        serve: (...call) => units.serve(...call),
        handle: (...messages) => units.handle(...messages),
        deliver: (...message) => connections.deliver(...message),
        open: (handlers) => connections.open(entry.id, handlers),
      },
      host: {
        set: (state) => hosts.set(entry, state),
        drain: (timeout) => hosts.drain(entry.id, timeout),
        claimTerminal: () => foreground.claim(entry.id),
      },
      watch: (kinds, listener) => this.#watch(entry.id, { kinds, listener }),
      log: (level, message, fields = {}) =>
        log.log({ level, time: platform.now(), logger: entry.id, message, fields }),
    };
  }

  #watch(id: string, watch: Watch): () => void {
    const present = this.#watches.get(id) ?? new Set();
    this.#watches.set(id, present.add(watch));
    return () => void present.delete(watch);
  }
}
