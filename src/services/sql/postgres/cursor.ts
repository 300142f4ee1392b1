import type { RowStream, Statement } from "../driver.ts";
import type { Link } from "../pool.ts";
import { checkStatement } from "../text.ts";

let last = 0;

/**
 * Reads the rows of a query in batches, with a server-side cursor.
 *
 * @param within whether a transaction is open; otherwise one is opened for the lifetime of the cursor
 * @throws WippyError
 */
export async function openCursor(
  link: Link,
  statement: Statement,
  within: boolean,
  signal: AbortSignal,
): Promise<RowStream> {
  checkStatement(statement, "postgres");
  const cursor = `wippy_rows_${last += 1}`;
  const own = (sql: string): Statement => ({ kind: "execute", sql, params: [], own: true });
  if (!within) await link.run(own("BEGIN"), signal);
  const { sql, params } = statement;
  const declared = `DECLARE ${cursor} NO SCROLL CURSOR FOR ${sql}`;
  await link.run({ ...own(declared), params }, signal);
  return {
    async fetch(rows, abort) {
      const fetched = { ...own(`FETCH FORWARD ${rows} FROM ${cursor}`), kind: "query" as const };
      return await link.run(fetched, abort) as Uint8Array;
    },
    async close() {
      if (link.broken) return;
      // Effects of functions in the query are committed, as for a query that is not streamed.
      await link.run(own(within ? `CLOSE ${cursor}` : "COMMIT")).catch(() => {});
    },
  };
}
