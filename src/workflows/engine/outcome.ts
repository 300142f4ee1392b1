import type { ErrorData } from "../../vm/error.ts";

/** An error as plain data, so that it survives threads and the journal. Temporal's name. */
export type Failure = ErrorData;

/** How an activity or a child ended. */
export type Outcome<Value> =
  | { status: "completed"; value: Value }
  | { status: "failed"; failure: Failure }
  | { status: "canceled"; failure: Failure };
