import type { Database } from "bun:sqlite";
import { and, desc, eq, getTableColumns, gt, sql } from "drizzle-orm";
import type { BunSQLiteDatabase } from "drizzle-orm/bun-sqlite";
import { boundStatements } from "./bound-statements.ts";
import { onDemand } from "./on-demand.ts";
import { given, param, rowParams } from "./parameters.ts";
import { publications } from "./schema.ts";

export type PublicationRow = typeof publications.$inferSelect;
export type NewPublication = Omit<PublicationRow, "id">;

/** The statements of the outbox to queues. */
export class PublicationStore {
  readonly #statements: ReturnType<typeof prepare>;
  #last: number;

  constructor(database: Database) {
    this.#statements = boundStatements(prepare, database);
    this.#last = this.#statements.last.get()?.id ?? 0;
  }

  insert(row: NewPublication): void {
    this.#statements.insert.run({ ...row, id: ++this.#last });
  }

  delete(id: number): void {
    this.#statements.delete.run({ id });
  }

  get(id: number): PublicationRow | undefined {
    return this.#statements.get.get({ id });
  }

  /** Messages to a queue with ids greater than `after`, in order. */
  of(
    queue: string,
    after: number,
    limit: number,
  ): Pick<PublicationRow, "id" | "workflowId">[] {
    return this.#statements.of.all({ queue, after, limit });
  }

  /** How many messages wait, by queue and workflow. */
  counts(): (Pick<PublicationRow, "queue" | "workflowId"> & { count: number })[] {
    return this.#statements.counts.all();
  }
}

function prepare(db: BunSQLiteDatabase) {
  const one = eq(publications.id, param("id"));
  return onDemand({
    last: () =>
      db.select({ id: publications.id }).from(publications)
        .orderBy(desc(publications.id)).limit(1).prepare(),
    insert: () =>
      db.insert(publications).values(rowParams(getTableColumns(publications))).prepare(),
    delete: () => db.delete(publications).where(one).prepare(),
    get: () => db.select().from(publications).where(one).prepare(),
    of: () =>
      db.select({ id: publications.id, workflowId: publications.workflowId })
        .from(publications)
        .where(and(eq(publications.queue, given("queue")), gt(publications.id, given("after"))))
        .orderBy(publications.id).limit(sql.placeholder("limit")).prepare(),
    counts: () =>
      db.select({
        queue: publications.queue,
        workflowId: publications.workflowId,
        count: sql<number>`count(*)`,
      }).from(publications).groupBy(publications.queue, publications.workflowId).prepare(),
  });
}
