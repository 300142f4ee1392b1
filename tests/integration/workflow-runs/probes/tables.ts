/** What a replay must see the same of the additions to Lua's `table` and `utf8`. */
export const probes = {
  "table.maxn": "table.maxn({ 1, 2, [7] = 3 })",
  "table.getn": "table.getn({ 1, 2 })",
  "table.create": "#table.create(4, 1)",
  "table.freeze": "table.isfrozen(table.freeze({})), pcall(rawset, table.freeze({}), 1, 2)",
  "table.isfrozen": "table.isfrozen({})",
  "table.make_immutable": "table.is_immutable(table.make_immutable({}))",
  "table.is_immutable": "table.is_immutable({})",
  "utf8.char": "utf8.char(228, 8364)",
  "utf8.codes":
    '(function() local out = {} for p, c in utf8.codes("aä") do out[#out + 1] = p .. ":" .. c end return table.concat(out, " ") end)()',
  "utf8.offset": 'utf8.offset("aäb", 3)',
  "utf8.codepoint": 'utf8.codepoint("aä", 1, -1)',
  "utf8.len": 'utf8.len("aä"), utf8.len("\\xff")',
};
