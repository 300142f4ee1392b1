import type { EventData, EventType } from "../../../history/history.ts";
import type { Payload as Packed } from "../../../payload.ts";
import type { Conversion } from "../conversion.ts";
import type { CallInfo } from "../names.ts";
import type { TemporalEvent } from "../proto.ts";

/** What a reader has to know of the place of a run. */
export interface HistoryContext {
  conversion: Conversion;
  /** Node part of PIDs. */
  node: string;
  /** Id of the host whose workers take from a task queue. */
  hostOf(taskQueue: string): string;
}

/** An activity that is under way. */
export interface Activity {
  seq: number;
  activityId: string;
  entry: string;
  info: CallInfo;
}

/** A child that is under way. */
export interface Child {
  seq: number;
  workflowId: string;
  entry: string;
  pid: string;
  started?: boolean;
  /** It was to be canceled before it had started; the reason is the code's. */
  cancelLater?: { reason?: string };
}

/** An update that code has been shown. */
export interface DeliveredUpdate {
  updateId: string;
  name: string;
  args: Packed;
  sender: string;
}

/** What is read so far of a run's history, and what later events refer to. */
export interface ReaderState {
  readonly context: HistoryContext;
  /** Whether the code that has made the commands is at hand: what their events record is left out. */
  isLive: boolean;
  /** By the id of the event that began them. */
  readonly activities: Map<number, Activity>;
  readonly children: Map<number, Child>;
  /** Children that were not started, until the code is told. */
  readonly withdrawn: EventData["ChildStartFailed"][];
  /** Signals and requests to other workflows that the server has not answered, by the ids of their events. */
  readonly unsent: Map<number, TemporalEvent>;
  /** Numbers of signals to other workflows. */
  readonly signals: Map<number, number>;
  /** Numbers of requests to cancel other workflows; a child's has none. */
  readonly cancels: Map<number, number | undefined>;
  cancelCount: number;
  /** Updates that the server has taken for code that had not been shown them. */
  readonly admitted: Map<string, DeliveredUpdate>;
  readonly updates: Map<number, string>;
  /** Updates that were accepted for code that had not answered. */
  readonly unanswered: Set<string>;
  /** Of these, those that the code has rejected after all. */
  readonly rejected: Set<string>;
  add<Name extends EventType>(event: TemporalEvent, type: Name, data: EventData[Name]): void;
  /** An update that was accepted was shown by the task that it was accepted in. */
  deliver(update: DeliveredUpdate): void;
}
