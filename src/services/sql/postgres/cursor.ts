import type { RowStream, Statement } from "../driver.ts";
import type { Link } from "../pool.ts";
import { checkStatement } from "../text.ts";

let last = 0;

/**
 * Reads the rows of a query piece by piece, by a cursor of the server.
 *
 * @param within whether a transaction is open; else one is for as long as the cursor is
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
      // What the query did, by functions that it called, stays, as after one that is read at once.
      await link.run(own(within ? `CLOSE ${cursor}` : "COMMIT")).catch(() => {});
    },
  };
}
