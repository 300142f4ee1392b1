/** What a replay must see the same of the module `websocket`: that a workflow cannot connect. */
export const probes = {
  "websocket.connect": `websocket.connect("ws://127.0.0.1:1/")`,
};
