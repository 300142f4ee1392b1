import { type Measures, sampleKinds } from "../../observe/measures.ts";
import { numberOf } from "../../vm/value.ts";
import {
  any,
  integer,
  list,
  oneOf,
  type Reader,
  request,
  type Requests,
  table,
  text,
} from "./request.ts";

const labels: Reader<Record<string, string>> = (value) =>
  Object.fromEntries(
    Object.entries(value ?? {}).filter((pair): pair is [string, string] =>
      typeof pair[1] === "string"
    ),
  );

/** What units measure, for the Lua module `metrics`. */
export function measureRequests(measures: Measures): Requests {
  const sample = table({ kind: oneOf(sampleKinds), name: any, value: numberOf, labels });
  const call = table({
    id: text,
    running: integer,
    succeeded: integer,
    failed: integer,
    time: integer,
    within: list(integer),
  });
  return {
    "measures.take": request({ samples: list(sample), lost: integer }, ({ samples, lost }) => {
      // A name that is no text in UTF-8 is of no use.
      const named = samples.flatMap(({ name, ...rest }) =>
        typeof name === "string" ? { name, ...rest } : []
      );
      measures.take(named, lost + samples.length - named.length);
      return true;
    }),
    "measures.calls": request({ calls: list(call) }, ({ calls }, worker) => {
      measures.calls.take(worker, calls);
      return true;
    }),
  };
}
