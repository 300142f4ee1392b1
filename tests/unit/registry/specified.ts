/**
 * What the specification names: each is there, or is refused with a sentence.
 * @module
 */

/** Modules that applications of the reference runtime may list. */
export const specifiedModules =
  ("archive base64 cdc channel cloudstorage compress contract crypto ctx env errors eval_runner events excel exec " +
    "expr fs funcs hash html http http_client hub io json loader logger metrics os payload pg process queue registry " +
    "security sql store stream system templates text time treesitter tty uuid websocket workflow yaml")
    .split(" ");

/** Kinds of entries that they may have. */
export const specifiedKinds =
  ("cdc.postgres cloudstorage.s3 config.aws contract.binding contract.definition db.sql.mysql db.sql.postgres " +
    "db.sql.sqlite env.storage.file env.storage.memory env.storage.os env.storage.router env.storage.static " +
    "env.variable exec.docker exec.native fs.directory fs.embed function.lua function.lua.bc function.wasm " +
    "http.endpoint http.router http.service http.static library.lua library.lua.bc library.wasm module.lua " +
    "network.http network.i2p network.socks5 network.tailscale network.tor ns.definition ns.dependency " +
    "ns.requirement pg.scope process.host process.lua process.lua.bc process.service process.wasm queue.consumer " +
    "queue.driver.amqp queue.driver.memory queue.driver.sqs queue.queue registry.entry security.policy " +
    "security.policy.expr security.token_store store.kv.crdt store.kv.raft store.memory store.sql template.jet " +
    "template.set temporal.client temporal.worker terminal.host wasm.component workflow.lua workflow.lua.bc " +
    "workflow.wasm").split(" ");
