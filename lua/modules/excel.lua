--- Module `excel`: workbooks of Excel (xlsx).
-- @workflows no; a workbook is open in a function that the workflow calls
-- @sandbox yes
local runtime = ...
local check, effects, errors = runtime.check, runtime.effects, runtime.errors
local object = runtime.use("kernel/core/object")
local transfer = runtime.use("library/transfer", runtime)
local operation = effects.operation

local CHUNK <const> = 64 * 1024
local MOST_BYTES <const> = 64 * 1024 * 1024
local MOST_ROWS <const> = 10000
local ALL_ROWS <const> = 1048576

local excel = {}

local methods = {}
local make_workbook, workbook_of = object.opaque("excel.Workbook", methods)
local cursor_methods = {}
local make_cursor, cursor_of = object.opaque("excel.Rows", cursor_methods)

--- A workbook with the sheet `Sheet1`: `Workbook, nil`.
function excel.new()
  local handle, err = operation("excel.new")
  if not handle then
    return nil, err
  end
  return make_workbook({ handle = handle }), nil
end

--- The workbook that a File or a Stream has: `Workbook, nil`.
function excel.open(reader)
  local stream = transfer.stream_of(reader)
  if not stream then
    return nil, errors.fail("Invalid", "excel.open: give a File or a Stream")
  end
  local parts, size = {}, 0
  while true do
    local data, err = stream:read(CHUNK)
    if err then
      return nil, err
    elseif not data then
      break
    end
    size = size + #data
    if size > MOST_BYTES then
      return nil, errors.fail("Internal", "excel: open: the file has more than 64 MiB")
    end
    parts[#parts + 1] = data
  end
  local handle, err = operation("excel.open", table.concat(parts))
  if not handle then
    return nil, err
  end
  return make_workbook({ handle = handle }), nil
end

local function on(self, name, ...)
  return operation("excel." .. name, workbook_of(self).handle, ...)
end

--- Adds a sheet: its number from 0, nil. One of that name stays as it is.
function methods:new_sheet(name)
  return on(self, "add", check.string(name, 1, "new_sheet"))
end

--- The names of the sheets, in their order.
function methods:get_sheet_list()
  return on(self, "sheets")
end

--- Sets a cell, such as `B2`, to a string, a number, a boolean or nil.
function methods:set_cell_value(sheet, cell, value)
  return on(
    self,
    "set",
    check.string(sheet, 1, "set_cell_value"),
    check.string(cell, 2, "set_cell_value"),
    value
  )
end

--- All rows of a sheet, each a list of what its cells show.
function methods:get_rows(sheet)
  return on(self, "rows", check.string(sheet, 1, "get_rows"), 0, ALL_ROWS)
end

--- A cursor over the rows of a sheet.
function methods:rows(sheet)
  check.string(sheet, 1, "rows")
  local found, err = on(self, "rows", sheet, 0, 1)
  if not found then
    return nil, err
  end
  return make_cursor({ workbook = workbook_of(self).handle, sheet = sheet, position = 0 }), nil
end

--- Up to `n` rows (1, at most 10000); `nil, nil` at the end.
function cursor_methods:read(n)
  n = check.optional(check.integer, n, 1, "read") or 1
  local cursor = cursor_of(self)
  local count = math.max(1, math.min(n, MOST_ROWS))
  local rows, err = operation("excel.rows", cursor.workbook, cursor.sheet, cursor.position, count)
  if not rows or #rows == 0 then
    return nil, err
  end
  cursor.position = cursor.position + #rows
  return rows, nil
end

--- Writes the workbook to a File or a Stream.
function methods:write_to(writer)
  local stream = transfer.stream_of(writer)
  if not stream then
    return nil, errors.fail("Invalid", "write_to: give a File or a Stream")
  end
  local bytes, err = on(self, "write")
  if not bytes then
    return nil, err
  end
  local count
  count, err = stream:write(bytes)
  if err or count ~= #bytes then
    return nil, err or errors.fail("Internal", "excel: the stream took only a part")
  end
  return true, nil
end

--- Closes the workbook; twice is harmless.
function methods:close()
  return on(self, "close")
end

return excel
