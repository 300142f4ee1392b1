/**
 * Chooses the provider that a place asks for: the only file that knows which providers there are. Each
 * is loaded when it is needed, so that a program without workflows starts without it.
 * @module
 */
import type { PayloadKeys } from "../cipher.ts";
import type { Connection } from "./temporal/connection/connection.ts";
import type { ConnectionSettings, WorkerSettings } from "./temporal/connection/settings.ts";
import type { WorkflowTypes } from "./temporal/conversion.ts";
import type { ForeignHistories, ForeignHistory } from "./temporal/history/stored.ts";
import type { TemporalProviderOptions } from "./temporal/settings.ts";
import type { Destination, Origin } from "../moving/moving.ts";
import type { ArrivalSettings } from "./temporal/client/arrivals.ts";
import type { ProviderOptions, StorageTools, StoredRuns, WorkflowProvider } from "../provider.ts";

/** Where runs are kept, and so by which provider. */
export type ProviderPlace = JournalPlace | TemporalPlace;

/** A journal file on this machine. */
export interface JournalPlace {
  type: "sqlite";
  /** Path of the journal file. */
  path: string;
  /** Encrypt what it holds. @default it is not encrypted */
  keys?: PayloadKeys;
  /** What is stored need not last, see `SqliteProviderOptions`. @default it lasts */
  temporary?: "file" | "memory";
}

/** A namespace of a Temporal server. */
export interface TemporalPlace extends Omit<TemporalProviderOptions, keyof ProviderOptions> {
  type: "temporal";
}

/**
 * Makes the provider of a place; it is not open yet.
 *
 * @example
 * ```ts
 * const provider = await createProvider({ type: "sqlite", path: "journal.db" });
 * provider.onReport(({ message }) => console.error(message));
 * await provider.open();
 * ```
 */
export async function createProvider(
  place: ProviderPlace,
  options: ProviderOptions = {},
): Promise<WorkflowProvider> {
  if (place.type === "temporal") {
    const { TemporalProvider } = await import("./temporal/temporal.ts");
    return new TemporalProvider({ ...options, ...place });
  }
  const { SqliteProvider } = await import("./sqlite/sqlite.ts");
  return new SqliteProvider({ ...options, ...place });
}

/** Begins what takes long about the first journal, before it is opened: its thread, and the code on both sides. */
export async function prepareJournal(): Promise<void> {
  const { journalThread } = await import("./sqlite/link/journal-thread.ts");
  journalThread.start();
  await import("./sqlite/sqlite.ts");
}

/**
 * Reads what is stored at a place, while no runtime runs there.
 *
 * @throws WippyError NotFound when there is nothing; Invalid when it is not a journal, or has another
 * schema than this program's; PermissionDenied
 */
export async function readStored(place: JournalPlace): Promise<StoredRuns> {
  const { JournalReader } = await import("./sqlite/read/read.ts");
  return new JournalReader(place.path, place.keys);
}

/** Returns the maintenance tools of the providers that keep files on this machine. */
export async function storageTools(): Promise<StorageTools> {
  return (await import("./sqlite/offline/offline.ts")).journalTools;
}

/** A connection to a Temporal server; what `TemporalPlace.connect` returns. */
export type TemporalConnection = Connection;

/** How a Temporal server is reached. */
export type TemporalConnectionSettings = ConnectionSettings;

/** What a worker on a Temporal server takes. */
export type TemporalWorkerSettings = WorkerSettings;

export type { ForeignHistories, ForeignHistory, PayloadKeys, WorkflowTypes };

/** Connects to a Temporal server. @throws WippyError Unavailable, PermissionDenied, Timeout */
export async function connectTemporal(
  settings: TemporalConnectionSettings,
): Promise<TemporalConnection> {
  const { connect } = await import("./temporal/connection/connection.ts");
  return await connect(settings);
}

/**
 * How values are written into Temporal's messages; encrypted with keys.
 *
 * @param types what workflows are called there; by the ids of their entries when absent
 * @throws WippyError Invalid
 */
export async function temporalConversion(
  keys?: PayloadKeys,
  types?: WorkflowTypes,
): Promise<TemporalPlace["conversion"]> {
  const { PayloadConverter } = await import("./temporal/payloads/payloads.ts");
  if (!keys) return new PayloadConverter(undefined, types);
  const { AesCodec } = await import("./temporal/payloads/codec.ts");
  return new PayloadConverter(new AesCodec(keys.keyId, keys.keys), types);
}

/** Histories of a namespace of a Temporal server. @throws WippyError as `connectTemporal` */
export async function temporalHistories(
  settings: TemporalConnectionSettings,
  keys?: PayloadKeys,
  types?: WorkflowTypes,
): Promise<ForeignHistories> {
  const { histories } = await import("./temporal/history/stored.ts");
  return await histories(settings, await temporalConversion(keys, types));
}

/** Reads a history exported by the Temporal Web UI or command line. @throws WippyError Invalid */
export async function temporalHistory(
  text: string,
  name: string,
  keys?: PayloadKeys,
  types?: WorkflowTypes,
): Promise<ForeignHistory> {
  const { ofJson } = await import("./temporal/history/stored.ts");
  return ofJson(text, name, await temporalConversion(keys, types));
}

/** A namespace of a Temporal server that runs are moved to. @throws WippyError as `connectTemporal` */
export async function temporalDestination(
  settings: ArrivalSettings,
): Promise<Destination & { close(): void }> {
  return (await import("./temporal/client/arrivals.ts")).arrivals(settings);
}

/**
 * A journal that runs are moved from, while no runtime runs.
 *
 * @param write false: nothing is changed
 * @throws WippyError NotFound, Invalid; with `write` Conflict while a runtime has the journal
 */
export async function journalOrigin({ path, keys }: JournalPlace, write: boolean): Promise<Origin> {
  return (await import("./sqlite/offline/departures.ts")).departures(path, write, keys);
}
