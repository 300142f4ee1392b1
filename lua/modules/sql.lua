--- Module `sql`: databases that entries of the kinds `db.sql.*` describe.
-- @workflows yes; what stays open between two calls is not available there
-- @sandbox no
local runtime = ...
local check, effects, errors = runtime.check, runtime.effects, runtime.errors
local freeze = runtime.use("kernel/core/freeze")
local object = runtime.use("kernel/core/object")
local values = runtime.use("library/sql_values")
local builders = runtime.use("library/sql_builder")
local operation = effects.operation

local sql = {
  type = freeze({
    POSTGRES = "postgres",
    MYSQL = "mysql",
    SQLITE = "sqlite",
    UNKNOWN = "unknown",
  }, "sql.type"),
  isolation = freeze({
    DEFAULT = "default",
    READ_UNCOMMITTED = "read_uncommitted",
    READ_COMMITTED = "read_committed",
    WRITE_COMMITTED = "write_committed",
    REPEATABLE_READ = "repeatable_read",
    SERIALIZABLE = "serializable",
  }, "sql.isolation"),
  NULL = values.NULL,
  as = freeze(values.as, "sql.as"),
}

-- Runs a statement in what `target` names, by the operation `name`.
local function run(name, target, kind, text, params)
  check.string(text, 1, kind)
  local list, tags, err = values.list(params)
  if not list then
    return nil, err
  end
  return operation(name, target, kind, text, list, tags)
end

local rows_methods = {}
local make_rows, rows_state = object.opaque("sql.Rows", rows_methods)

-- Default batch size.
local BATCH <const> = 256

-- The Rows of a query, begun by the operation `name`.
local function stream(id, text, params, options, name)
  check.string(text, 1, "stream")
  options = check.optional(check.table, options, 3, "stream") or {}
  local batch = options.batch == nil and BATCH or math.tointeger(options.batch)
  if not batch or batch < 1 or batch > 10000 then
    return nil, errors.fail("Invalid", "batch must be a whole number from 1 to 10000")
  end
  local list, tags, err = values.list(params)
  if not list then
    return nil, err
  end
  local handle, failure = operation(name, id, text, list, tags)
  if not handle then
    return nil, failure
  end
  return make_rows({ handle = handle, batch = batch, list = {}, at = 1, reading = false }), nil
end

-- The next row of those that are there; nil at their end.
local function step(state)
  local row = state.list[state.at]
  if row then
    state.at = state.at + 1
  end
  return row
end

--- The next row, nil at the end: `row, nil` or `nil, err`.
function rows_methods:next()
  local state = rows_state(self)
  local row = step(state)
  if row then
    return row, nil
  elseif not state.handle then
    return nil, state.err
  elseif state.reading then
    return nil, errors.fail("Invalid", "another coroutine waits for the next row")
  end
  state.reading = true
  local list, err = operation("sql.fetch", state.handle, state.batch)
  state.reading = false
  if not list or #list < state.batch then
    state.handle, state.err = false, err
  end
  state.list, state.at = list or {}, 1
  return step(state), err
end

--- An iterator over the rows. It also ends at a failure, which `err` returns.
function rows_methods:each()
  return function()
    return (self:next())
  end
end

--- The Error that ended the rows, nil if there was none.
function rows_methods:err()
  return rows_state(self).err
end

--- Stops reading. Calling it again has no effect.
function rows_methods:close()
  local state = rows_state(self)
  local handle = state.handle
  state.list, state.at = {}, 1
  if handle then
    state.handle = false
    operation("sql.rows_close", handle)
  end
  return true, nil
end

local statement_methods = {}
local make_statement, statement_state = object.opaque("sql.Statement", statement_methods)

local function statement_run(self, kind, params)
  local handle = statement_state(self).handle
  if not handle then
    return nil, errors.fail("Invalid", "the statement is closed")
  end
  local list, tags, err = values.list(params)
  if not list then
    return nil, err
  end
  return operation("sql.statement_run", handle, kind, list, tags)
end

--- The rows: `list, nil`.
function statement_methods:query(params)
  return statement_run(self, "query", params)
end

--- What it changed: `{last_insert_id, rows_affected}, nil`.
function statement_methods:execute(params)
  return statement_run(self, "execute", params)
end

--- Closes; twice is harmless.
function statement_methods:close()
  local state = statement_state(self)
  local handle = state.handle
  if handle then
    state.handle = false
    operation("sql.statement_close", handle)
  end
  return true, nil
end

local transaction_methods = {}
local make_transaction, transaction_state = object.opaque("sql.Transaction", transaction_methods)

local function handle_of(self)
  local handle = transaction_state(self).handle
  if not handle then
    return nil, errors.fail("Invalid", "transaction is not active")
  end
  return handle
end

local function transaction_run(self, kind, text, params)
  check.string(text, 1, kind)
  local handle, err = handle_of(self)
  if not handle then
    return nil, err
  end
  return run("sql.transaction_run", handle, kind, text, params)
end

--- The type of the database: a value of sql.type.
function transaction_methods:db_type()
  return transaction_state(self).type, nil
end

function transaction_methods:query(text, params)
  return transaction_run(self, "query", text, params)
end

function transaction_methods:execute(text, params)
  return transaction_run(self, "execute", text, params)
end

--- As that of a database, within the transaction.
function transaction_methods:stream(text, params, options)
  local handle, err = handle_of(self)
  if not handle then
    return nil, err
  end
  return stream(handle, text, params, options, "sql.transaction_stream")
end

function transaction_methods:prepare(text)
  check.string(text, 1, "prepare")
  local handle, err = handle_of(self)
  if not handle then
    return nil, err
  end
  local statement, failure = operation("sql.transaction_prepare", handle, text)
  if not statement then
    return nil, failure
  end
  return make_statement({ handle = statement }), nil
end

local function control(self, action, name)
  local handle, err = handle_of(self)
  if not handle then
    return false, err
  end
  if not name then
    transaction_state(self).handle = false
  end
  local _, failure = operation("sql.transaction_control", handle, action, name or "")
  if failure then
    return false, failure
  end
  return true, nil
end

--- Commits; the transaction is over, also when that fails.
function transaction_methods:commit()
  return control(self, "commit")
end

--- Rolls back; the transaction is over.
function transaction_methods:rollback()
  return control(self, "rollback")
end

--- Sets a savepoint.
function transaction_methods:savepoint(name)
  return control(self, "savepoint", check.string(name, 1, "savepoint"))
end

--- Takes back what was done since a savepoint.
function transaction_methods:rollback_to(name)
  return control(self, "rollback_to", check.string(name, 1, "rollback_to"))
end

--- Forgets a savepoint and keeps what was done since.
function transaction_methods:release(name)
  return control(self, "release", check.string(name, 1, "release"))
end

local methods = {}
local make_database, database_state = object.opaque("sql.DB", methods)

--- The type of the database: a value of sql.type.
function methods:type()
  return database_state(self).type, nil
end

--- The rows of a query, each a table by column; a NULL has no key.
function methods:query(text, params)
  return run("sql.run", database_state(self).id, "query", text, params)
end

--- Runs a statement: `{last_insert_id, rows_affected}, nil`.
function methods:execute(text, params)
  return run("sql.run", database_state(self).id, "execute", text, params)
end

--- The Rows of a query, which are read in batches and closed when the unit ends. `options.batch`: rows per batch.
function methods:stream(text, params, options)
  local refusal = runtime.not_in_workflow("db:stream")
  if refusal then
    return nil, refusal
  end
  return stream(database_state(self).id, text, params, options, "sql.stream")
end

--- A Statement, which is closed when the unit ends.
function methods:prepare(text)
  check.string(text, 1, "prepare")
  local refusal = runtime.not_in_workflow("db:prepare")
  if refusal then
    return nil, refusal
  end
  local handle, err = operation("sql.prepare", database_state(self).id, text)
  if not handle then
    return nil, err
  end
  return make_statement({ handle = handle }), nil
end

--- A Transaction, which is rolled back when the unit ends. `options`: `isolation`, `read_only`.
function methods:begin(options)
  options = check.optional(check.table, options, 1, "begin") or {}
  local refusal = runtime.not_in_workflow("db:begin")
  if refusal then
    return nil, refusal
  end
  local state = database_state(self)
  local isolation = options.isolation or "default"
  local handle, err = operation("sql.begin", state.id, isolation, options.read_only == true)
  if not handle then
    return nil, err
  end
  return make_transaction({ handle = handle, type = state.type }), nil
end

--- Figures of the connections.
function methods:stats()
  return operation("sql.stats", database_state(self).id)
end

--- Has no effect: a database belongs to its entry, and a handle holds nothing.
function methods:release()
  return true, nil
end

local executor_methods = {}
local make_executor, executor_state = object.opaque("sql.Executor", executor_methods)

local function execute(self, method)
  local state = executor_state(self)
  local text, args, err = state.write(state.postgres)
  if not text then
    return nil, err
  end
  return state.runner[method](state.runner, text, args)
end

--- The rows of the query.
function executor_methods:query()
  return execute(self, "query")
end

--- The Rows of the query, as `stream` of the database returns them.
function executor_methods:stream(options)
  local state = executor_state(self)
  local text, args, err = state.write(state.postgres)
  if not text then
    return nil, err
  end
  return state.runner:stream(text, args, options)
end

--- What the statement changed.
function executor_methods:exec()
  return execute(self, "execute")
end

--- The text and the list of its parameters.
function executor_methods:to_sql()
  local state = executor_state(self)
  local text, args, err = state.write(state.postgres)
  if not text then
    return nil, err
  end
  return text, args
end

local function executor(runner, write)
  local of_database, of_transaction =
    object.is("sql.DB", runner), object.is("sql.Transaction", runner)
  if not of_database and not of_transaction then
    check.fail(1, "run_with", "DB or Transaction", runner)
  end
  local state = of_database and database_state(runner) or transaction_state(runner)
  return make_executor({ runner = runner, write = write, postgres = state.type == "postgres" })
end

sql.builder = freeze(builders(executor), "sql.builder")

--- A handle of a database: `DB, nil` or `nil, err` (Invalid, NotFound, PermissionDenied, Unavailable).
function sql.get(id)
  check.string(id, 1, "get")
  local type_of, err = operation("sql.get", id)
  if not type_of then
    return nil, err
  end
  return make_database({ id = id, type = type_of }), nil
end

return sql
