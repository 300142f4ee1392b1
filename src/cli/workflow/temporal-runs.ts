/**
 * Histories of Temporal servers, which the command line replays and compares as those of a journal.
 * @module
 */
import { Environment } from "../../app/environment.ts";
import { decodeEntry } from "../../registry/decode.ts";
import type { Entry } from "../../registry/entry.ts";
import { payloadKeys } from "../../services/payload-keys.ts";
import { connectionSettings } from "../../services/temporal/connection-settings.ts";
import { temporalClient } from "../../services/temporal/temporal.ts";
import { EntryTypes } from "../../services/temporal/workflow-types.ts";
import {
  type ForeignHistories,
  type ForeignHistory,
  type PayloadKeys,
  type TemporalConnectionSettings,
  temporalHistories,
  temporalHistory,
  type WorkflowTypes,
} from "../../workflows/providers/providers.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import { type Recorded, recordedIn } from "./recorded.ts";

/** What names a Temporal server on the command line. */
export interface TemporalOptions {
  /** An address, or the id of a temporal.client. */
  temporal?: string;
  namespace?: string;
}

/** @throws CommandError for options that do not fit together */
export function checkTemporalOptions({ temporal, namespace }: TemporalOptions): void {
  if (namespace !== undefined && temporal === undefined) {
    throw new CommandError("--namespace is one of a Temporal server", "add --temporal ADDRESS");
  }
}

/** How histories of the Temporal server that is named are read, and those of files. */
export class TemporalRuns {
  #connected: ForeignHistories | undefined;

  private constructor(
    readonly settings: TemporalConnectionSettings | undefined,
    readonly keys: PayloadKeys | undefined,
    readonly types: WorkflowTypes,
  ) {}

  /** Nothing is connected before a run is asked for. */
  static async of(
    { directory, system }: Console,
    { temporal, namespace }: TemporalOptions,
    entries: readonly Entry[],
  ): Promise<TemporalRuns> {
    const types = new EntryTypes(entries);
    if (temporal === undefined) return new TemporalRuns(undefined, undefined, types);
    const entry = entries.find(({ id, kind }) => id === temporal && kind === "temporal.client");
    if (!entry) {
      const settings = { address: temporal, namespace: namespace ?? "default" };
      return new TemporalRuns(settings, undefined, types);
    }
    const environment = new Environment(entries, { directory, system });
    const data = decodeEntry(temporalClient, entry, environment);
    const settings = await connectionSettings({ directory }, data);
    return new TemporalRuns(
      { ...settings, ...namespace !== undefined && { namespace } },
      payloadKeys(data.payload_codec),
      types,
    );
  }

  /** Whether runs are those of a Temporal server, and not of the journal. */
  get isMeant(): boolean {
    return this.settings !== undefined;
  }

  async #server(): Promise<ForeignHistories> {
    return this.#connected ??= await temporalHistories(this.settings!, this.keys, this.types);
  }

  /** A run on the server, the newest of a workflow id unless one is named. @throws WippyError when there is none */
  async fetch(name: string, run: string | undefined): Promise<Recorded> {
    return named(await (await this.#server()).fetch(name, run));
  }

  /** All runs of some workflows on the server. */
  async *all(workflows: string[]): AsyncGenerator<Recorded> {
    for await (const found of (await this.#server()).all(workflows)) yield named(found);
  }

  /**
   * The history in a file written by `wippy workflow export`, or by the Temporal Web UI or command line.
   * @throws WippyError Invalid
   */
  async ofFile(text: string, name: string): Promise<Recorded> {
    if (!/"event_?[tT]ype"/.test(text)) return recordedIn(text, name);
    return { ...await temporalHistory(text, name, this.keys, this.types), name };
  }

  close(): void {
    this.#connected?.close();
  }
}

function named(found: ForeignHistory): Recorded {
  return { ...found, name: found.workflowId };
}
