/** What a replay must see the same of the module `websocket`: that a workflow cannot connect. */
export const probes = {
  "websocket.connect": `websocket.connect("ws://127.0.0.1:1/")`,
  "websocket:client": `(function(client)
    if not client then return "refused" end
    return client:send("x"), client:ping(), client:close(), client:channel():receive(), client:receive()
  end)((websocket.connect("ws://127.0.0.1:1/")))`,
};
