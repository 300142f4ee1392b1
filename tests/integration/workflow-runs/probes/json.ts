/** What a replay must see the same of the module `json`. */
export const probes = {
  "json.encode": 'json.encode({ b = 1, a = { c = 2, ["d"] = 3 } }), json.encode({ print })',
  "json.decode": `json.decode('{"b":1,"a":{}}')`,
  "json.validate": `json.validate({ type = "object", required = { "a" } }, { a = 1 }),
    json.validate({ type = "integer" }, "x")`,
  "json.validate_string": `json.validate_string('{"type": "integer"}', "1.5")`,
};
