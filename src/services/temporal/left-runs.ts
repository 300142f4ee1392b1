import { existsSync } from "node:fs";
import { readStored } from "../../workflows/providers/providers.ts";
import type { ServiceContext } from "../context.ts";
import { defaultJournal } from "../workflow-host/schema.ts";
import { journalPath } from "../workflow-host/service.ts";

/** Runs that a warning counts; of more it says that there are more. */
const most = 1_000;

/**
 * Warns of open runs in the journal that nothing continues, because the application has workers of a Temporal server
 * in place of its workflow hosts.
 */
export async function warnOfLeftRuns(context: ServiceContext): Promise<void> {
  const { entries, entry, log } = context;
  const kinds = [...entries.values()];
  const [first] = kinds.filter(({ kind }) => kind === entry.kind).map(({ id }) => id).sort();
  if (first !== entry.id || kinds.some(({ kind }) => kind === "workflow.host")) return;
  const path = journalPath(context, defaultJournal);
  if (!existsSync(path)) return;
  const stored = await readStored({ type: "sqlite", path });
  try {
    const { runs, cursor } = await stored.list({ status: "running", limit: most });
    if (runs.length === 0) return;
    const count = cursor === undefined ? `${runs.length}` : `more than ${most}`;
    log(
      "warn",
      `the journal has open runs that nothing continues: ${count}; hint: move them with ` +
        "`wippy workflow migrate`, or keep a workflow.host until they have ended",
      { journal: path },
    );
  } finally {
    stored.close();
  }
}
