/**
 * Histories of a server, or of a file, as code is replayed with them.
 * @module
 */
import { localNode } from "../../../pid.ts";
import { connect } from "../connection/connection.ts";
import { visibilityText } from "../client/descriptions.ts";
import type { ConnectionSettings } from "../connection/settings.ts";
import type { Conversion } from "../conversion.ts";
import type { TemporalEvent } from "../proto.ts";
import { WippyError } from "../../../../vm/error.ts";
import { packEvents } from "../worker/run.ts";
import { fetchHistory } from "./fetch.ts";
import { HistoryReader } from "./history.ts";
import { readHistoryJson } from "./json.ts";

/** A history that code is replayed with. */
export interface ForeignHistory {
  workflowId: string;
  runId: string;
  /** The id of the workflow entry. */
  entry: string;
  /** Number of events that Temporal has. */
  events: number;
  /** Packed. */
  history: Uint8Array;
}

/** Histories of a namespace. */
export interface ForeignHistories {
  /** @param runId the newest run when absent. @throws WippyError NotFound */
  fetch(workflowId: string, runId?: string): Promise<ForeignHistory>;
  /** Every run of these workflows, the newest first. */
  all(entries: readonly string[]): AsyncGenerator<ForeignHistory>;
  close(): void;
}

/** Reads an exported history. @throws WippyError Invalid */
export function ofJson(text: string, name: string, conversion: Conversion): ForeignHistory {
  return ofEvents(readHistoryJson(text, name), "", conversion);
}

/** @throws WippyError as `connect` */
export async function histories(
  settings: ConnectionSettings,
  conversion: Conversion,
): Promise<ForeignHistories> {
  const connection = await connect(settings);
  const fetch = async (workflowId: string, runId = "") =>
    ofEvents(await fetchHistory(connection, { workflowId, runId }), runId, conversion);
  return {
    fetch,
    async *all(entries) {
      const query = entries.map((entry) =>
        `WorkflowType = ${visibilityText(conversion.types.typeOf(entry))}`
      ).join(" OR ");
      for (let nextPageToken: Uint8Array = new Uint8Array();;) {
        const page = await connection.rpc("listWorkflowExecutions", { query, nextPageToken });
        for (const { execution } of page.executions) {
          yield await fetch(execution?.workflowId ?? "", execution?.runId ?? "");
        }
        nextPageToken = page.nextPageToken;
        if (nextPageToken.length === 0) return;
      }
    },
    close: () => connection.close(),
  };
}

function ofEvents(
  events: readonly TemporalEvent[],
  runId: string,
  conversion: Conversion,
): ForeignHistory {
  const first = events[0]?.workflowExecutionStartedEventAttributes;
  if (!first) {
    throw new WippyError("Invalid", "the history does not begin with the start of a workflow", {
      retryable: false,
    });
  }
  const id = runId || first.originalExecutionRunId || first.firstExecutionRunId || "";
  const reader = new HistoryReader(id, {
    conversion,
    node: localNode,
    hostOf: (queue) => queue,
  });
  return {
    workflowId: first.workflowId ?? "",
    runId: id,
    entry: conversion.types.entryOf(first.workflowType?.name ?? ""),
    events: events.length,
    history: packEvents(reader.read(events)),
  };
}
