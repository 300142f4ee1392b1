import { pack } from "../../../../vm/codec.ts";
import { WippyError } from "../../../../vm/error.ts";
import type { Payload } from "../../../payload.ts";
import type { QueryRequest } from "../../../provider.ts";
import { RpcError } from "../connection/connection.ts";
import { unpackedPayloads, valuesOf } from "../names.ts";
import { type ClientContext, delayed, ofWorkflow } from "./client.ts";
import { describeRun, detailRun } from "./descriptions.ts";

/** Milliseconds that a query waits for its answer. */
const answerTimeout = 30_000;
/** Milliseconds after which a query that has no answer looks whether its run has begun. */
const patience = 1_000;

/** Asks the code of a run. @throws WippyError NotFound, Unavailable for a delayed run, or what the code threw */
export async function queryRun(
  context: ClientContext,
  workflowId: string,
  { name, args, runId = "" }: QueryRequest,
): Promise<Payload | undefined> {
  const { connection, conversion } = context;
  const answered = new AbortController();
  const answer = ofWorkflow(
    workflowId,
    connection.rpc("queryWorkflow", {
      execution: { workflowId, runId },
      query: { queryType: name, queryArgs: unpackedPayloads(conversion, args) },
    }, { timeout: answerTimeout }),
  ).finally(() => answered.abort());
  try {
    const { queryResult } = await Promise.race([
      answer,
      begun(context, workflowId, runId, answered.signal).then(() => answer),
    ]);
    const [value] = valuesOf(conversion, queryResult);
    return queryResult?.payloads?.length ? pack(value) : undefined;
  } catch (error) {
    const failed = error instanceof RpcError && error.detail("QueryFailedFailure");
    if (failed && failed.failure) throw WippyError.from(conversion.ofFailure(failed.failure));
    throw error;
  }
}

/** The server keeps the query of a delayed run until it begins. @throws WippyError Unavailable */
async function begun(
  context: ClientContext,
  workflowId: string,
  runId: string,
  answered: AbortSignal,
): Promise<void> {
  await pause(answered);
  if (answered.aborted) return;
  const name = runId ? { workflowId, runId } : await describeRun(context, workflowId);
  const detail = name && await detailRun(context, name);
  if (detail?.heldUntil !== undefined) throw delayed(workflowId);
}

async function pause(end: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, patience);
  end.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}
