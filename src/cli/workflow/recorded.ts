/**
 * Histories that the command line replays: those of a journal, and exported ones.
 * @module
 */
import type { ApiClient, Got } from "../../admin/client.ts";
import { type ExportedHistory, importHistory } from "../../admin/history.ts";
import type { Run } from "./workflow.ts";

/** A history that is replayed. */
export interface Recorded {
  /** Its name in the output. */
  name: string;
  runId: string;
  entry: string;
  /** How many there are. */
  events: number;
  history: Uint8Array;
}

const runsAtOnce = 200;

/** Every run of the journal, page by page, the newest first. */
export async function* allRuns(
  connection: ApiClient,
  status: string | undefined,
): AsyncGenerator<Run> {
  let after: string | undefined;
  do {
    const page: Got<"/workflows"> = await connection.get("/workflows", {
      query: { status, after, limit: runsAtOnce },
    });
    yield* page.runs;
    after = page.next;
  } while (after !== undefined);
}

function ofExport(
  name: string,
  { exported, history }: { exported: ExportedHistory; history: Uint8Array },
): Recorded {
  const { run_id, entry, events } = exported;
  return { name, runId: run_id, entry, events: events.length, history };
}

/** The history in a text that `wippy workflow export` wrote. @throws WippyError Invalid */
export function recordedIn(text: string, name: string): Recorded {
  return ofExport(name, importHistory(text, name));
}

/** The history of a run: of its id or PID, the newest run unless one is named. */
export async function recordedRun(
  connection: ApiClient,
  id: string,
  run: string | undefined,
): Promise<Recorded> {
  const exported = await connection.get("/workflows/:id/export", {
    params: { id },
    query: { run },
  });
  return ofExport(exported.workflow_id, importHistory(JSON.stringify(exported), id));
}
