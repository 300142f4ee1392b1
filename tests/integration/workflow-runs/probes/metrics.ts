/** What a replay must see the same of the module `metrics`. */
export const probes = {
  "metrics.counter_inc": `metrics.counter_inc("c", { a = "b" })`,
  "metrics.counter_add": `metrics.counter_add("c", 2)`,
  "metrics.gauge_set": `metrics.gauge_set("g", 1.5)`,
  "metrics.gauge_inc": `metrics.gauge_inc("g")`,
  "metrics.gauge_dec": `metrics.gauge_dec("g")`,
  "metrics.histogram": `metrics.histogram("h", 0.2)`,
};
