/** What a replay must see the same of the module `expr`. */
export const probes = {
  "expr.eval":
    `expr.eval("groupBy(list, # % 2)", { list = { 1, 2, 3 } }), expr.eval("now()"), expr.eval("1 +")`,
  "expr.compile": `assert(expr.compile("a + b")):run({ a = 1, b = 2 })`,
};
