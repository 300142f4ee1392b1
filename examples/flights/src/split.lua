-- Cuts data/flights.json into one batch a day, and "undated" for rows without a usable date.
-- Returns the index of the batches, and does nothing when it is on disk already.

local disk = require("disk")
local fs = require("fs")
local json = require("json")
local rules = require("rules")

local function main()
  local index = disk.index()
  if index then
    return index
  end

  local data, err = fs.get("flights:data")
  if err then
    return nil, err
  end
  local text, read_err = data:readfile("flights.json")
  if read_err then
    return nil, errors.wrap(read_err, "data/flights.json")
  end
  local rows, decode_err = json.decode(text)
  if decode_err then
    return nil, errors.wrap(decode_err, "data/flights.json")
  end

  local batches = {}
  for _, row in ipairs(rows) do
    local batch = type(row) == "table" and rules.moment(row.date) or "undated"
    local records = batches[batch]
    if not records then
      records = {}
      batches[batch] = records
    end
    records[#records + 1] = row
  end

  index = {}
  for batch, records in pairs(batches) do
    disk.write_batch(batch, records)
    index[#index + 1] = { batch = batch, rows = #records }
  end
  table.sort(index, function(a, b)
    return a.batch < b.batch
  end)
  -- Written last: without it the split is done again from the start.
  disk.write_index(index)
  return index
end

return { main = main }
