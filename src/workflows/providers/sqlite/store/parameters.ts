import { type SQL, sql } from "drizzle-orm";

/** A parameter of a prepared statement, where drizzle's types want a value. */
export function param(name: string): SQL {
  return sql`${sql.placeholder(name)}`;
}

/**
 * A parameter in a condition of a statement that orders its rows, or takes the greatest. Bare, SQLite
 * plans such a statement again each time that it is run, as the value might say more about the order;
 * that takes five to fifteen times as long as the statement itself. The plus changes nothing else.
 */
export function given(name: string): SQL {
  return sql`+${sql.placeholder(name)}`;
}

/** Parameters named as the columns of a table, for an insert of a whole row. */
export function rowParams<Name extends string>(names: Record<Name, unknown>): Record<Name, SQL> {
  const params = Object.keys(names).map((name) => [name, param(name)]);
  return Object.fromEntries(params) as Record<Name, SQL>;
}
