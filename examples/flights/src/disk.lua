-- The folders of the application as values: batches, reports, manifest, effects log.
--
-- A report counts from the moment its line stands in the manifest, never before: the file is
-- written whole first, the line is appended after it. So a reader that goes by the manifest never
-- sees half a report, however the runtime ended. Both can be done twice without harm.

local fs = require("fs")
local json = require("json")

local MANIFEST = "manifest.jsonl"
local EFFECTS = "effects.log"

-- Every failure here is one of the disk and may pass, so the step is tried again.
local function must(value, err)
  if err then
    error(errors.new({
      message = "disk: " .. err:message(),
      kind = errors.UNAVAILABLE,
      retryable = true,
    }))
  end
  return value
end

local function folder(name)
  return must(fs.get("flights:" .. name))
end

-- The text of a file, or nil when there is none.
local function text_of(volume, path)
  local text, err = volume:readfile(path)
  if err and err:kind() == errors.NOT_FOUND then
    return nil
  end
  return must(text, err)
end

local function append(path, line)
  local ledger = folder("ledger")
  must(ledger:writefile(path, line .. "\n", "a"))
end

local disk = {}

function disk.write_batch(batch, records)
  must(folder("batches"):writefile(batch .. ".json", must(json.encode(records))))
end

function disk.read_batch(batch)
  return must(json.decode(must(folder("batches"):readfile(batch .. ".json"))))
end

-- The index of the batches: { { batch = "2001-01-01", rows = 222 }, ... }, or nil before the split.
function disk.index()
  local text = text_of(folder("batches"), "index.json")
  return text and must(json.decode(text))
end

function disk.write_index(index)
  must(folder("batches"):writefile("index.json", must(json.encode(index))))
end

function disk.write_report(batch, report)
  must(folder("reports"):writefile(batch .. ".json", must(json.encode(report))))
end

function disk.read_report(batch)
  return must(json.decode(must(folder("reports"):readfile(batch .. ".json"))))
end

-- The batches whose reports count, in the order in which they were recorded.
function disk.recorded()
  local batches = {}
  for line in (text_of(folder("ledger"), MANIFEST) or ""):gmatch("[^\n]+") do
    batches[#batches + 1] = must(json.decode(line)).batch
  end
  return batches
end

-- Makes a report count. A batch that stands in the manifest already is left alone.
function disk.record(batch, flights, rejected)
  for _, known in ipairs(disk.recorded()) do
    if known == batch then
      return false
    end
  end
  append(MANIFEST, must(json.encode({ batch = batch, flights = flights, rejected = rejected })))
  return true
end

-- Every step ends with this: one line for each time that its work was really done.
function disk.effect(batch, step)
  append(EFFECTS, batch .. " " .. step)
end

return disk
