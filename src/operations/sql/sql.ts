import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { WippyError } from "../../vm/error.ts";
import { countRows } from "../../vm/rows.ts";
import { type LuaValue, PackedRows } from "../../vm/value.ts";
import {
  addedByModule,
  defineOperation,
  luaString,
  type Operation,
  type OperationContext,
  type OperationValue,
} from "../operation.ts";
import type { Closable } from "../resources.ts";
import { packRun, type Run, type SqlRequests } from "./requests.ts";

const database = lazy(() => addedByModule(z.string({ error: "a database id is text" })));
const handle = lazy(() => addedByModule(z.int()));
const kind = lazy(() => addedByModule(z.enum(["query", "execute", "check"])));
const tags = lazy(() => addedByModule(z.string()));
const anything = lazy(() => z.custom<LuaValue>(() => true));
const name = lazy(() => z.string());
const rows = lazy(() =>
  z.int().min(1, { error: "batch must be at least 1" })
    .max(10_000, { error: "batch must be at most 10000" })
);
const isolation = lazy(() =>
  z.enum(
    [
      "default",
      "read_uncommitted",
      "read_committed",
      "write_committed",
      "repeatable_read",
      "serializable",
    ],
    { error: "unknown isolation; use a value of sql.isolation" },
  )
);

/** Whoever has a handle of a database is asked each time: a handle is no right. */
const mayUse = (id: string) => ({ action: "db.get", resource: id });

async function ask<Name extends keyof SqlRequests>(
  { services, pid, signal }: OperationContext,
  service: string,
  operation: Name,
  input: SqlRequests[Name] & LuaValue,
): Promise<LuaValue> {
  return await services.ask({ service, operation, input, pid, signal });
}

/** Lua's empty list is a table. */
const listOf = (values: LuaValue) => Array.isArray(values) ? values : [];

/** Runs a statement. Rows come as bytes, which go into the VM in one piece. */
async function run(context: OperationContext, id: string, input: Run): Promise<OperationValue> {
  const outcome = await ask(context, id, "run", packRun(input));
  return outcome instanceof Uint8Array ? new PackedRows(outcome) : outcome;
}

/** A query with arguments that are valid at first sight. */
function queryOf(sql: LuaValue, values: LuaValue, tags: LuaValue): Run {
  return { kind: "query", sql: String(sql), values: listOf(values), tags: String(tags) };
}

/** What a unit holds open in a database, by its number there. */
abstract class Held implements Closable {
  /** The question that ends it. */
  protected abstract readonly end: { operation: string; input: LuaValue };

  constructor(
    readonly database: string,
    readonly number: number,
    readonly context: OperationContext,
  ) {}

  async close(): Promise<void> {
    const { services, pid } = this.context;
    await services.ask({ service: this.database, ...this.end, pid });
  }
}

/** A transaction that a unit has open; closing it rolls it back. */
class Transaction extends Held {
  protected override get end() {
    return { operation: "end", input: { transaction: this.number } };
  }
}

/** Rows that a unit reads piece by piece. */
class Rows extends Held {
  protected override get end() {
    return { operation: "close", input: { stream: this.number } };
  }
}

/** Begins to read rows piece by piece, in a transaction or by themselves. Returns the number of the resource. */
async function stream(
  context: OperationContext,
  id: string,
  input: Omit<SqlRequests["stream"], "values"> & { values: LuaValue },
): Promise<number> {
  const number = await ask(context, id, "stream", { ...input, values: listOf(input.values) });
  return context.resources.add(new Rows(id, Number(number), context));
}

/** A prepared statement: its text was checked, and connections keep what they prepared by the text. */
class Prepared implements Closable {
  constructor(
    readonly database: string,
    readonly sql: string | Uint8Array,
    readonly transaction?: number,
  ) {}

  close(): void {}
}

/** @throws WippyError Invalid for an empty id or another kind, NotFound */
function checkDatabase({ services }: OperationContext, id: string): void {
  if (id === "") throw new WippyError("Invalid", "empty database id", { retryable: false });
  const entry = services.entry(id);
  if (!entry) {
    throw new WippyError("NotFound", `database not found: ${id}`, { retryable: false });
  }
  if (entry.kind.startsWith("db.sql.")) return;
  throw new WippyError(
    "Invalid",
    `${id} is a ${entry.kind} entry; use the id of a db.sql.* entry`,
    { retryable: false },
  );
}

async function prepare(
  context: OperationContext,
  id: string,
  sql: string | Uint8Array,
  transaction?: number,
): Promise<number> {
  await run(context, id, { kind: "check", sql, values: [], tags: "", transaction });
  return context.resources.add(new Prepared(id, sql, transaction));
}

/** Host operations of the module `sql`. */
export const sql: Operation[] = [
  defineOperation({
    name: "sql.get",
    summary: "Checks that a database runs, and returns its type.",
    mode: "async",
    arguments: () => [database()],
    permission: mayUse,
    async run(context, id) {
      checkDatabase(context, id);
      try {
        return await ask(context, id, "type", {});
      } catch (error) {
        const failure = WippyError.from(error);
        if (failure.kind !== "Unavailable" || !/ is (unknown|stopped)$/.test(failure.message)) {
          throw failure;
        }
        throw new WippyError(
          "Unavailable",
          `database ${id} does not run; give it lifecycle: { auto_start: true }`,
          { retryable: true },
        );
      }
    },
  }),
  defineOperation({
    name: "sql.run",
    summary: "Runs one statement by itself.",
    mode: "async",
    arguments: () => [database(), kind(), luaString(), anything(), tags()],
    quick: ([id, what, text, , letters]) =>
      typeof id === "string" && (what === "query" || what === "execute") &&
      typeof text === "string" && typeof letters === "string",
    permission: mayUse,
    near: ({ services, signal }, [id, kind, sql, values, letters], done) =>
      kind === "query" &&
      services.near?.(String(id), queryOf(sql, values, letters), signal, done) === true,
    run: (context, id, what, text, values, letters) =>
      run(context, id, { kind: what, sql: text, values: listOf(values), tags: letters }),
  }),
  defineOperation({
    name: "sql.stream",
    summary: "Begins to read the rows of a query piece by piece.",
    mode: "async",
    arguments: () => [database(), luaString(), anything(), tags()],
    permission: mayUse,
    run: (context, id, text, values, letters) =>
      stream(context, id, { sql: text, values, tags: letters }),
  }),
  defineOperation({
    name: "sql.fetch",
    summary: "Returns the next rows of a query, fewer than so many at the end.",
    mode: "async",
    arguments: () => [handle(), rows()],
    async run(context, number, count) {
      const { database: owner, number: open } = context.resources.get(number, Rows);
      try {
        const bytes = await ask(context, owner, "fetch", { stream: open, rows: count });
        if (!(bytes instanceof Uint8Array)) return undefined;
        if (countRows(bytes) < count) context.resources.remove(number);
        return new PackedRows(bytes);
      } catch (error) {
        context.resources.remove(number);
        throw error;
      }
    },
  }),
  defineOperation({
    name: "sql.rows_close",
    summary: "Ends the reading of rows.",
    mode: "async",
    arguments: () => [handle()],
    async run({ resources }, number) {
      await resources.remove(number)?.close();
      return true;
    },
  }),
  defineOperation({
    name: "sql.stats",
    summary: "Returns the figures of the connections.",
    mode: "async",
    arguments: () => [database()],
    permission: mayUse,
    run: (context, id) => ask(context, id, "stats", {}),
  }),
  defineOperation({
    name: "sql.prepare",
    summary: "Checks a statement and keeps it.",
    mode: "async",
    arguments: () => [database(), luaString()],
    permission: mayUse,
    run: (context, id, text) => prepare(context, id, text),
  }),
  defineOperation({
    name: "sql.statement_run",
    summary: "Runs a prepared statement.",
    mode: "async",
    arguments: () => [handle(), kind(), anything(), tags()],
    quick: ([number, what, , letters]) =>
      typeof number === "number" && (what === "query" || what === "execute") &&
      typeof letters === "string",
    near({ services, resources, signal }, [number, kind, values, letters], done) {
      if (kind !== "query") return false;
      const { database, sql, transaction } = resources.get(Number(number), Prepared);
      if (transaction !== undefined || typeof sql !== "string") return false;
      return services.near?.(database, queryOf(sql, values, letters), signal, done) === true;
    },
    run(context, number, what, values, letters) {
      const prepared = context.resources.get(number, Prepared);
      const { transaction } = prepared;
      return run(context, prepared.database, {
        kind: what,
        sql: prepared.sql,
        values: listOf(values),
        tags: letters,
        transaction,
      });
    },
  }),
  defineOperation({
    name: "sql.statement_close",
    summary: "Lets go of a prepared statement.",
    mode: "async",
    arguments: () => [handle()],
    run: ({ resources }, number) => resources.remove(number) !== undefined,
  }),
  defineOperation({
    name: "sql.begin",
    summary: "Begins a transaction.",
    mode: "async",
    arguments: () => [database(), isolation(), z.boolean()],
    permission: mayUse,
    async run(context, id, level, readOnly) {
      const number = await ask(context, id, "begin", { isolation: level, readOnly });
      return context.resources.add(new Transaction(id, Number(number), context));
    },
  }),
  defineOperation({
    name: "sql.transaction_run",
    summary: "Runs one statement in a transaction.",
    mode: "async",
    arguments: () => [handle(), kind(), luaString(), anything(), tags()],
    run(context, id, what, text, values, letters) {
      const { database: owner, number } = context.resources.get(id, Transaction);
      return run(context, owner, {
        kind: what,
        sql: text,
        values: listOf(values),
        tags: letters,
        transaction: number,
      });
    },
  }),
  defineOperation({
    name: "sql.transaction_stream",
    summary: "Begins to read the rows of a query piece by piece, in a transaction.",
    mode: "async",
    arguments: () => [handle(), luaString(), anything(), tags()],
    run(context, id, text, values, letters) {
      const { database: owner, number } = context.resources.get(id, Transaction);
      return stream(context, owner, { sql: text, values, tags: letters, transaction: number });
    },
  }),
  defineOperation({
    name: "sql.transaction_prepare",
    summary: "Checks a statement and keeps it for a transaction.",
    mode: "async",
    arguments: () => [handle(), luaString()],
    run(context, id, text) {
      const { database: owner, number } = context.resources.get(id, Transaction);
      return prepare(context, owner, text, number);
    },
  }),
  defineOperation({
    name: "sql.transaction_control",
    summary: "Commits a transaction or rolls it back, or works on its savepoints.",
    mode: "async",
    arguments: () => [
      handle(),
      z.enum(["commit", "rollback", "savepoint", "rollback_to", "release"]),
      name(),
    ],
    async run(context, id, action, savepoint) {
      const { database: owner, number } = context.resources.get(id, Transaction);
      if (action === "commit" || action === "rollback") context.resources.remove(id);
      else if (!/^\w+$/.test(savepoint)) {
        const message = `savepoint name "${savepoint}": letters, digits and _ are allowed`;
        throw new WippyError("Invalid", message, { retryable: false });
      }
      return await ask(context, owner, "control", {
        transaction: number,
        action,
        name: savepoint,
      });
    },
  }),
];
