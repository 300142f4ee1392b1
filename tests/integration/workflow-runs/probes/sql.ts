const db = 'assert(sql.get("app:database"))';
const builder = "sql.builder";

/** What a replay must see the same of the module `sql`. */
export const probes = {
  "sql.get": `(function()
    local db = ${db}
    assert(db:execute("CREATE TABLE t (n INTEGER)"))
    assert(db:execute("INSERT INTO t VALUES (random())"))
    return db:query("SELECT n, random() AS r FROM t"), db:type(), db:release()
  end)()`,
  "sql:prepare": `${db}:prepare("SELECT 1")`,
  "sql:stream": `${db}:stream("SELECT 1")`,
  "sql:rows": `(function(rows)
    if not rows then return "refused" end
    return rows:next(), rows:each(), rows:err(), rows:close()
  end)(${db}:stream("SELECT 1"))`,
  "sql:begin": `${db}:begin()`,
  "sql:stats": `${db}:stats()`,
  // A transaction and a statement, which a workflow cannot have.
  "sql:transaction": `(function(tx)
    if not tx then return "refused" end
    return tx:db_type(), tx:savepoint("a"), tx:rollback_to("a"), tx:release("a"), tx:commit(), tx:rollback(), tx:close()
  end)(${db}:begin())`,
  "sql.as.int": `${db}:query("SELECT ? AS a", { sql.as.int("1") })`,
  "sql.as.float": `${db}:query("SELECT ? AS a", { sql.as.float(1) })`,
  "sql.as.text": `${db}:query("SELECT ? AS a", { sql.as.text(1) })`,
  "sql.as.binary": `${db}:query("SELECT ? AS a", { sql.as.binary("x") })`,
  "sql.as.null": `${db}:query("SELECT ? AS a", { sql.as.null() })`,
  "sql.builder.select": `(function()
    local query = ${builder}.select("random() AS r")
    return query:to_sql(), query:run_with(${db}):query(), query:run_with(${db}):exec(),
      query:run_with(${db}):to_sql()
  end)()`,
  "sql.builder.insert": `${builder}.insert("t"):set_map({ b = 1, a = 2 }):to_sql()`,
  "sql.builder.update": `${builder}.update("t"):set_map({ b = 1, a = 2 }):to_sql()`,
  "sql.builder.delete": `${builder}.delete("t"):to_sql()`,
  "sql.builder.expr": `${builder}.select("a"):where(${builder}.expr("a IN (?, ?)", 1, 2)):to_sql()`,
  ...Object.fromEntries(
    ["eq", "not_eq", "lt", "lte", "gt", "gte", "like", "not_like"].map((name) => [
      `sql.builder.${name}`,
      `${builder}.select("a"):where(${builder}.${name}({ b = 1, a = 2 })):to_sql()`,
    ]),
  ),
  "sql.builder.and_":
    `${builder}.select("a"):where(${builder}.and_({ { b = 1, a = 2 } })):to_sql()`,
  "sql.builder.or_": `${builder}.select("a"):where(${builder}.or_({ { b = 1, a = 2 } })):to_sql()`,
};
