import type { LuaValue } from "../../../vm/value.ts";
import type { Failure } from "../../engine/outcome.ts";
import type { Payload, TemporalFailure } from "./proto.ts";

/** What workflows are called on a server: an entry may have a type beside its id. */
export interface WorkflowTypes {
  /** The type of a workflow, by the id of its entry. */
  typeOf(entry: string): string;
  /** The inverse of `typeOf`. A type that no entry has is its own id. */
  entryOf(type: string): string;
}

/** How values, failures and names are written into Temporal's messages. */
export interface Conversion {
  readonly types: WorkflowTypes;
  payload(value: LuaValue): Payload;
  value(payload: Payload): LuaValue;
  failure(failure: Failure): TemporalFailure;
  ofFailure(failure: TemporalFailure): Failure;
}
