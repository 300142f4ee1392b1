import type { PackedCommand } from "../../../history/history.ts";
import type { Conversion } from "../conversion.ts";
import type { HistoryReader } from "../history/history.ts";
import type { PendingUpdate } from "./updates.ts";

/** A command of one type. */
export type Of<Kind extends PackedCommand["type"]> = Extract<PackedCommand, { type: Kind }>;

/** The task that commands are translated for. */
export interface CommandContext {
  conversion: Conversion;
  identity: string;
  reader: HistoryReader;
  /** Id of the task's start. */
  startedEventId: number;
  /** Updates that have no answer yet, by id. */
  updates: Map<string, PendingUpdate>;
  /** The task queue of a host. @throws WippyError NotFound */
  queueOf(hostId: string): string;
}
