import { type SQL, sql } from "drizzle-orm";

/** A parameter of a prepared statement, where drizzle's types want a value. */
export function param(name: string): SQL {
  return sql`${sql.placeholder(name)}`;
}

/** Parameters named as the columns of a table, for an insert of a whole row. */
export function rowParams<Name extends string>(names: Record<Name, unknown>): Record<Name, SQL> {
  const params = Object.keys(names).map((name) => [name, param(name)]);
  return Object.fromEntries(params) as Record<Name, SQL>;
}
