/** What a replay must see the same of the module `queue`. */
export const probes = {
  "queue.publish":
    'queue.publish("app:work", { 1 }, { kind = "a" }, { delay = "1h" }), queue.publish("app:none", 1)',
  "queue.info": 'queue.info("app:work"), queue.info("app:none")',
  "queue.message": `(function()
    local m, err = queue.message()
    return m and { m:id(), m:header("a"), m:headers(), m:attempt(), m:ack(), m:nack() }, err
  end)()`,
};
