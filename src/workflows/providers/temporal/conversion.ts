import type { LuaValue } from "../../../vm/value.ts";
import type { Failure } from "../../engine/outcome.ts";
import type { Payload, TemporalFailure } from "./proto.ts";

/** How values and failures are written into Temporal's messages. */
export interface Conversion {
  payload(value: LuaValue): Payload;
  value(payload: Payload): LuaValue;
  failure(failure: Failure): TemporalFailure;
  ofFailure(failure: TemporalFailure): Failure;
}
