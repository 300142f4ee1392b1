import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import type { BunSQLiteDatabase } from "drizzle-orm/bun-sqlite";
import { eq } from "drizzle-orm";
import { int, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { boundStatements } from "../../../../../../src/workflows/providers/sqlite/store/bound-statements.ts";
import { onDemand } from "../../../../../../src/workflows/providers/sqlite/store/on-demand.ts";
import { param } from "../../../../../../src/workflows/providers/sqlite/store/parameters.ts";
import { cleanAfterTest } from "../../../../../cleanup.ts";

const words = sqliteTable("words", { id: int("id").primaryKey(), word: text("word").notNull() });
const others = sqliteTable("others", { word: text("word").notNull() });

function database(): Database {
  const made = new Database(":memory:");
  made.run("CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT NOT NULL)");
  made.run("CREATE TABLE others (word TEXT NOT NULL)");
  cleanAfterTest(() => made.close());
  return made;
}

test("statements are built once, and each runs on the database that it is bound to", () => {
  let built = 0;
  const make = (db: BunSQLiteDatabase) =>
    onDemand({
      insert: () => {
        built++;
        return db.insert(words).values({ id: param("id"), word: param("word") }).prepare();
      },
      find: () => {
        built++;
        return db.select().from(words).where(eq(words.id, param("id"))).prepare();
      },
      // Of the two tables a row may lack one, which only the statement itself knows.
      joined: () => db.select().from(words).leftJoin(others, eq(others.word, words.word)).prepare(),
    });
  const [one, two] = [database(), database()];
  const ofOne = boundStatements(make, one);
  const ofTwo = boundStatements(make, two);
  expect(built).toBe(0);
  ofOne.insert.run({ id: 1, word: "in one" });
  ofTwo.insert.run({ id: 1, word: "in two" });
  expect(ofOne.find.get({ id: 1 })).toEqual({ id: 1, word: "in one" });
  expect(ofTwo.find.get({ id: 1 })).toEqual({ id: 1, word: "in two" });
  expect(ofTwo.find.all({ id: 2 })).toEqual([]);
  expect(ofOne.joined.all()).toEqual([{ words: { id: 1, word: "in one" }, others: null }]);
  expect(ofTwo.insert).toBe(ofTwo.insert);
  expect(built).toBe(2);
  one.close();
  expect(boundStatements(make, two).find.get({ id: 1 })).toEqual({ id: 1, word: "in two" });
});
