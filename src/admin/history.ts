/**
 * Histories as the API shows and exports them.
 * @module
 */
import { z } from "@hono/zod-openapi";
import {
  type HistoryEvent,
  packHistory,
  packPlain,
  unpackHistory,
  unpackPlain,
} from "../workflows/history/history.ts";
import type { RunInfo } from "../workflows/provider.ts";
import { unpack } from "../vm/codec.ts";
import { readForeignJson } from "../vm/json.ts";
import { WippyError } from "../vm/error.ts";
import { type Plain, plain } from "./plain.ts";

/** An event as the API shows it. */
export type ShownEvent = {
  id: number;
  /** Milliseconds since 1970. */
  time: number;
  type: string;
  /** Values of Lua are unpacked. */
  data: Record<string, Plain>;
};

/** Fields that say who acts: of no use to a reader, and large. */
const hidden: ReadonlySet<string> = new Set(["frame"]);

/** A value that was recorded; damaged ones are shown as bytes. */
function shownBytes(bytes: Uint8Array): Plain {
  try {
    return plain(unpack(bytes));
  } catch {
    return plain(bytes);
  }
}

/** An event with its values unpacked. */
export function showEvent({ id, time, type, data }: HistoryEvent): ShownEvent {
  const fields = Object.entries(data).filter(([name, value]) =>
    !hidden.has(name) && value !== undefined
  ).map(([name, value]): [string, Plain] => [
    name,
    value instanceof Uint8Array ? shownBytes(value) : plain(value),
  ]);
  return { id, time, type, data: Object.fromEntries(fields) };
}

const format = "wippy-history/1";

/** A history as a file: events in words for people, and their bytes, which are what counts. */
export const exportSchema = z.object({
  format: z.literal(format),
  workflow_id: z.string(),
  run_id: z.string(),
  host: z.string(),
  entry: z.string(),
  status: z.string(),
  sparse: z.boolean().optional().openapi({
    description:
      "The numbers of its events have gaps, because it was recorded by a Temporal server",
  }),
  events: z.array(z.object({
    id: z.number().int(),
    time: z.number(),
    type: z.string(),
    data: z.record(z.string(), z.unknown()),
    packed: z.string().openapi({ description: "The event's data as it was recorded, in Base64" }),
  })).min(1),
}).openapi("ExportedHistory");

/** A history that was exported. */
export type ExportedHistory = z.infer<typeof exportSchema>;

/** A run's history as a file. */
export function exportHistory(run: RunInfo, events: readonly HistoryEvent[]): ExportedHistory {
  return {
    format,
    workflow_id: run.workflowId,
    run_id: run.runId,
    host: run.hostId,
    entry: run.entry,
    status: run.status,
    ...events.some(({ id }, index) => id !== index + 1) && { sparse: true },
    events: events.map((event) => ({
      ...showEvent(event),
      packed: Buffer.from(packPlain(event.data)).toString("base64"),
    })),
  };
}

/**
 * Reads an exported history, packed as the taskHandler wants it.
 *
 * @param name of the file, for messages
 * @throws WippyError Invalid when it is not one, or was edited
 */
export function importHistory(
  text: string,
  name: string,
): { exported: ExportedHistory; history: Uint8Array } {
  const bad = (why: string): never => {
    throw new WippyError("Invalid", `${name} is not an exported history: ${why}`, {
      retryable: false,
    });
  };
  let json: unknown;
  try {
    json = readForeignJson(text, "it");
  } catch (error) {
    return bad((error as Error).message);
  }
  const read = exportSchema.safeParse(json);
  if (!read.success) {
    const [issue] = read.error.issues;
    return bad(`its field ${issue?.path.join(".") ?? ""} is missing or not of the right type`);
  }
  const exported = read.data;
  let last = 1;
  const events = exported.events.map((event, index) => {
    const fits = exported.sparse ? event.id >= last : event.id === index + 1;
    if (!fits) bad(`event ${index + 1} is missing; its place has ${event.id}`);
    last = event.id;
    const data = Buffer.from(event.packed, "base64");
    try {
      unpackPlain(data);
    } catch {
      bad(`the bytes of event ${event.id} are damaged`);
    }
    return { id: event.id, time: event.time, type: event.type as HistoryEvent["type"], data };
  });
  const history = packHistory(events);
  for (const [index, event] of unpackHistory(history).entries()) {
    const written = exported.events[index]!;
    if (JSON.stringify(showEvent(event).data) !== JSON.stringify(written.data)) {
      bad(`event ${event.id} (${event.type}) was changed: what it shows is not what was recorded`);
    }
  }
  if (events[0]?.type !== "ExecutionStarted") bad("it does not begin with ExecutionStarted");
  return { exported, history };
}
