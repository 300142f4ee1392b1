/** Which queries of PostgreSQL may go to a connection that only reads, between others and perhaps twice. */
import { expect, test } from "bun:test";
import { readsAgain } from "../../../../src/services/sql/postgres/part.ts";
import { isPlainRead } from "../../../../src/services/sql/postgres/reads.ts";

test.each([
  "SELECT 1",
  " -- why\n/* not */ select i, f FROM rows WHERE i = $1;",
  "SELECT count(*), max(i) FROM rows WHERE i IN (SELECT j FROM others) AND (a OR b)",
  "SELECT coalesce(name, 'pg_sleep(1)') FROM \"rows\" WHERE s = $x$ FOR UPDATE $x$",
  "SELECT CAST(i AS varchar(10)) FROM rows ORDER BY (i)",
])("plain: %s", (sql) => {
  expect(isPlainRead(sql)).toBe(true);
});

test.each([
  "INSERT INTO rows VALUES (1) RETURNING i",
  "WITH gone AS (DELETE FROM rows RETURNING i) SELECT i FROM gone",
  "SELECT i FROM rows FOR UPDATE",
  "SELECT i INTO copies FROM rows",
  "SELECT pg_sleep(1)",
  "SELECT nextval ('numbers')",
  'SELECT "count"(i) FROM rows',
  "SELECT my.count(i) FROM rows",
  "SELECT pg_advisory_lock /* now */ (1)",
  "SELECT 1; SELECT 2",
  "SHOW timezone",
  "",
])("not plain: %s", (sql) => {
  expect(isPlainRead(sql)).toBe(false);
});

test("a text goes there when it comes again", () => {
  const takes = readsAgain();
  expect(
    ["SELECT 1", "SELECT 1", "SELECT 2", "SELECT pg_sleep(1)", "SELECT pg_sleep(1)"].map(takes),
  )
    .toEqual([false, true, false, false, false]);
  for (let i = 0; i < 500; i += 1) takes(`SELECT ${i} AS other`);
  expect(takes("SELECT 1")).toBe(false);
});
