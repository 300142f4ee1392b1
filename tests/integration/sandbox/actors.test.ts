import { tries } from "./tries.ts";

tries("PIDs that were made up", [
  [
    "of the node",
    "return tostring(select(2, process.send('{node:control|0x00000}', 't', 1)))",
    "workflow host is not running: node:control",
  ],
  [
    "terminate the node",
    "return select(2, process.terminate('{node:control|0x00000}')):kind()",
    "Unavailable",
  ],
  [
    "of a worker that is not there",
    "return tostring(select(2, process.send('{app:processes|0x0003f}', 't', 1)))",
    "process not found: its worker 63 is gone",
  ],
  [
    "of a worker that is not there, other than by a message",
    `local list = {}
     for i, name in ipairs({ "monitor", "link", "cancel", "terminate" }) do
       local _, err = process[name]("{app:processes|0x0003f}")
       list[i] = err:kind() .. ": " .. err:message()
     end
     return table.concat(list, ", ")`,
    "Internal: monitor failed: pid not registered, Internal: link failed: pid not registered, " +
    "Internal: cancel failed: process not found, Internal: terminate failed: process not found",
  ],
  [
    "of a number beyond all",
    "return select(2, process.send('{app:processes|0xffffffffffffffff}', 't', 1)):kind()",
    "NotFound",
  ],
  [
    "of no number",
    "return select(2, process.send('{app:processes|zzz}', 't', 1)):kind()",
    "NotFound",
  ],
  [
    "of a negative number",
    "return select(2, process.send('{app:processes|-1}', 't', 1)):kind()",
    "NotFound",
  ],
  [
    "of a fraction",
    "return select(2, process.send('{app:processes|1.5}', 't', 1)):kind()",
    "NotFound",
  ],
  ["of nothing", "return select(2, process.send('{|}', 't', 1)):kind()", "NotFound"],
  [
    "a megabyte long",
    "return select(2, process.send('{' .. ('x'):rep(1e6) .. '|0x1}', 't', 1)):kind()",
    "NotFound",
  ],
  [
    "with a zero byte",
    "return select(2, process.send('{app:processes\\0|0x1}', 't', 1)):kind()",
    "NotFound",
  ],
  ["a table", "process.send({}, 't', 1)", /bad argument #1 to 'send'/],
  [
    "terminate a worker's neighbour by guessing",
    "local _, err = process.terminate('{app:processes|0x00040000}') return err:kind()",
    "Internal",
  ],
]);

tries("messages", [
  [
    "a function",
    "process.send(process.pid(), 't', print) return process.inbox():receive():payload():data() == nil",
    true,
  ],
  [
    "a function inside",
    "process.send(process.pid(), 't', { f = print, x = 1 }) local m = process.inbox():receive():payload():data() return m.f == nil and m.x",
    1,
  ],
  [
    "a coroutine",
    "process.send(process.pid(), 't', coroutine.create(print)) return process.inbox():receive():payload():data() == nil",
    true,
  ],
  [
    "a circle",
    "local t = {} t.t = t process.send(process.pid(), 't', t) local m = process.inbox():receive():payload():data() return m.t == m",
    true,
  ],
  [
    "a table nested too deep",
    "local t = {} for i = 1, 1000 do t = { t } end return select(2, process.send(process.pid(), 't', t)):message()",
    "cannot copy a table nested deeper than 128 levels",
  ],
  [
    "the functions of a metatable do not travel",
    "process.send(process.pid(), 't', setmetatable({ 1 }, { __index = function() while true do end end })) return next(getmetatable(process.inbox():receive():payload():data())) == nil",
    true,
  ],
  [
    "metamethods do not run while it is copied",
    "process.send(process.pid(), 't', setmetatable({ 1 }, { __pairs = error, __len = error, __index = error, __newindex = error })) return #process.inbox():receive():payload():data()",
    1,
  ],
  [
    "what was sent cannot be changed afterwards",
    "local t = { 1 } process.send(process.pid(), 't', t) t[1] = 2 return process.inbox():receive():payload():data()[1]",
    1,
  ],
  [
    "a topic of the system",
    "return select(2, process.send('neighbour', '@pid/events', 1)):message()",
    "cannot send to @ topics",
  ],
  [
    "a listener of the system's topics",
    "return select(2, process.listen('@events')):message()",
    "cannot listen to @ topics",
  ],
  [
    "a start-up message to the system",
    "process.with_options({}):with_message('@x', 1)",
    /cannot send to @ topics/,
  ],
  [
    "an EXIT event of one's own making",
    "process.send(process.pid(), 'pid.exit', { kind = 'pid.exit' }) local got = channel.select({ process.events():case_receive(), process.inbox():case_receive() }) return got.channel == process.inbox()",
    true,
  ],
  [
    "an error object with a hostile text",
    "process.send(process.pid(), 't', errors.new(('x'):rep(1e6))) return #process.inbox():receive():payload():data():message()",
    1000000,
  ],
  [
    "an error with details that are a circle",
    "local t = {} t.t = t local e = errors.new({ message = 'm', details = t }) process.send(process.pid(), 't', e) return process.inbox():receive():payload():data():message()",
    "m",
  ],
  [
    "keys that are tables",
    "process.send(process.pid(), 't', { [{}] = 1 }) return type(next(process.inbox():receive():payload():data()))",
    "table",
  ],
  ["a process that fails with a function", "error(print)", /function/],
  [
    "a process that fails with a table whose text fails",
    "error(setmetatable({}, { __tostring = function() error('again') end }))",
    /again/,
  ],
]);

tries("others' property", [
  [
    "a name that is taken",
    "return select(2, process.registry.register('neighbour')):kind()",
    "AlreadyExists",
  ],
  [
    "a name for a PID of the node",
    "return (process.registry.register('x', '{node:control|0x00000}'))",
    true,
  ],
  [
    "a name for what is no PID",
    "return select(2, process.registry.register('x', 'y')):message()",
    "invalid pid: y",
  ],
  [
    "a name that looks like a PID",
    "return (process.registry.register('{app:processes|0x1}'))",
    true,
  ],
  [
    "names without end are freed with their owner",
    "for i = 1, 2000 do process.registry.register('n' .. i) end return process.registry.lookup('n2000') == process.pid()",
    true,
  ],
  ["they were freed", "return process.registry.lookup('n2000') == nil", true],
  ["another's options", "return process.set_options({ trap_links = true, owner = 'x' })", false],
  [
    "the frame of a builder",
    "local b = process.with_context({ a = 1 }) return next(b)",
    /read-only/,
  ],
  ["a field of a channel", "channel.new().buffer = {}", /cannot assign/],
  ["rawset of a channel", "rawset(channel.new(), 'x', 1)", /read-only/],
  ["the metatable of a channel", "return getmetatable(channel.new())", false],
  [
    "a channel of another kind in select",
    "channel.select({ setmetatable({}, getmetatable(channel.new())) })",
    /./,
  ],
  [
    "a method called on something else",
    "channel.new().send({}, 1)",
    /channel expected, got table/,
  ],
  ["a time's method called on a table", "time.now().unix({})", /bad self \(Time expected/],
  [
    "a builder's method called on a table",
    "process.with_options({}).spawn({}, 'app:x', 'app:processes')",
    /Builder expected/,
  ],
  ["an identity of one's own making", "return require('security').actor() == nil", true],
  [
    "an actor made from a table",
    "process.with_options({}):with_actor({ id = 'root' })",
    /security.Actor expected/,
  ],
  [
    "another's group",
    "local pg = require('pg') return select(2, pg.open('app:nothing')):kind()",
    "Internal",
  ],
  [
    "the runtime's own events",
    "local events = require('events') return tostring((events.send('supervisor', 'service.update', 'app:processes')))",
    "true",
  ],
  [
    "the runtime's own supervisor as an entry",
    "return select(2, process.spawn('wippy:nothing', 'app:processes')):kind()",
    "NotFound",
  ],
  [
    "an entry of the kernel's name",
    "return select(2, funcs.call('lua/kernel:unit')):kind()",
    "NotFound",
  ],
  [
    "a function as a process",
    "return select(2, process.spawn('app:attack', 'app:processes')):kind()",
    "NotFound",
  ],
  [
    "a host that is none",
    "return select(2, process.spawn('app:neighbour', 'app:attack')):kind()",
    "Internal",
  ],
  ["ending itself", "process.terminate(process.pid()) time.sleep('1s')", /process terminated/],
  ["linking to itself", "return (process.link(process.pid()))", true],
  ["monitoring itself", "return (process.monitor(process.pid()))", true],
  [
    "upgrading to what is no process",
    "return select(2, process.upgrade('app:attack')):kind()",
    /./,
  ],
  ["upgrading without end", "process.upgrade(nil, 1)", /went on/],
  [
    "a process that spawns itself",
    "local function me() return process.id() end for i = 1, 200 do process.spawn(me(), 'app:nothing') end return 'refused'",
    "refused",
  ],
  [
    "files beside the volume",
    "return select(2, require('fs').get('app:nothing')):kind()",
    "NotFound",
  ],
  [
    "variables of the machine",
    "return require('env').get('PATH') == nil and next(require('env').get_all()) == nil",
    true,
  ],
  [
    "an entry that would be the kernel's",
    "local r = require('registry') local _, err = r.snapshot():changes():create({ id = 'wippy:evil', kind = 'registry.entry', data = {} }):apply() return tostring(err)",
    "failed to apply changes: wippy:evil: the namespace wippy is the runtime's own; choose another",
  ],
  [
    "code that closes its own wrapper",
    "local r = require('registry') local _, err = r.snapshot():changes():create({ id = 'app:evil', kind = 'function.lua', data = { source = 'end end while true do end do do', method = 'main' } }):apply() return tostring(err)",
    "failed to apply changes: app:evil:1: Lua syntax error: <eof> expected near 'end'",
  ],
], { timeout: "1s" });

const kept = "kept";
tries("objects that the kernel writes to", [
  [
    "a channel's fields",
    "local c = channel.new() for _, f in ipairs({ 'first', 'items', 'senders', 'receivers', 'closed', 'mail', 'size', 'decode' }) do pcall(function() c[f] = 5 end) end return c.first == nil and c.items == nil",
    true,
  ],
  [
    "the inbox's fields",
    "local c = process.inbox() pcall(function() c.receivers = 5 end) process.send(process.pid(), 't', 1) return c:receive():topic()",
    "t",
  ],
  [
    "what a channel keeps is not asked of a stranger's metamethods",
    "local seen = {} local t = setmetatable({}, { __index = function(_, k) seen[#seen + 1] = k end }) for _, m in ipairs({ 'send', 'receive', 'close', 'case_send', 'case_receive' }) do pcall(channel.new()[m], t, 1) end return #seen",
    0,
  ],
  [
    "a case's fields",
    "local c = channel.new(1):case_send(1) pcall(function() c.ch = 5 end) return channel.select({ c }).ok",
    true,
  ],
  [
    "the cases of a select that waits",
    "local a, b = channel.new(), channel.new() local cases = { a:case_receive(), b:case_receive() } coroutine.spawn(function() time.sleep('1ms') cases[1], cases[2] = 5, 'x' b:send(7) end) return channel.select(cases).value",
    7,
  ],
  [
    "a future's fields",
    "local f = funcs.async('app:ask') for _, n in ipairs({ '_channel', '_done', '_cancel', 'channel' }) do pcall(function() f[n] = 5 end) end f:cancel() return f:is_canceled()",
    true,
  ],
  ["a future's method called on a table", "funcs.async('app:ask').cancel({})", /future expected/],
  [
    "a timer's fields",
    "local t = time.timer('1ms') pcall(function() t._state = 5 end) pcall(function() t.channel = 5 end) time.sleep('5ms') return t:stop()",
    false,
  ],
  [
    "a ticker's fields",
    "local t = time.ticker('1ms') pcall(function() t._state = 5 end) t:response():receive() return t:stop()",
    true,
  ],
  [
    "a message's fields",
    "process.send(process.pid(), 't', 1) local m = process.inbox():receive() pcall(function() m[1] = print end) pcall(function() m.topic = 5 end) return 'kept'",
    kept,
  ],
  [
    "an error's fields, sent",
    "local e = errors.new('x') pcall(function() e._details = 5 end) pcall(function() e._message = print end) process.send(process.pid(), 't', { e = e }) return process.inbox():receive():payload():data().e:message()",
    "an Error whose fields were overwritten",
  ],
  [
    "an error's fields, raised",
    "--raw\nreturn { main = function() local e = errors.new('x') pcall(function() e._kind = {} end) pcall(function() e._message = print end) error(e) end }",
    /an Error whose fields were overwritten/,
  ],
  [
    "an error's fields, returned",
    "--raw\nreturn { main = function() local e = errors.new('x') pcall(function() e._message = 5 end) return nil, e end }",
    /an Error whose fields were overwritten/,
  ],
  [
    "an error whose text never ends",
    "--raw\nreturn { main = function() error(setmetatable({}, { __tostring = function() while true do end end })) end }",
    /error object is a table value/,
  ],
  [
    "an error whose text is an error",
    "--raw\nreturn { main = function() error(setmetatable({}, { __tostring = error })) end }",
    /error object is a table value/,
  ],
  ["an error that is nil", "--raw\nreturn { main = function() error() end }", /nil/],
  ["a chunk that never ends", "--raw\nwhile true do end", /ran too long|went on/],
  ["a chunk that fails", "--raw\nerror({})", /failed to execute script/],
  [
    "a result that is a function",
    "--raw\nreturn { main = function() return print end }",
    /^nil$/,
  ],
  [
    "a result with a hostile metatable",
    "--raw\nreturn { main = function() return setmetatable({ true, 'kept' }, { __index = error, __pairs = error, __len = error }) end }",
    kept,
  ],
]);
