// What the natives export: functions of Lua's `host` table, by the names in src/vm/transform/function_table.ts, and
// functions that src/vm calls from JavaScript.
export { host_route, host_take_mail, mail_block } from "./across.as";
export { host_call_plain, host_returned } from "./calls.as";
export { host_clone } from "./clone.as";
export { concat_short } from "./concat.as";
export { concat_list } from "./concat-list.as";
export { host_copy } from "./copy.as";
export { host_note_gone, host_take_gone } from "./gone.as";
export { write_integer } from "./integer-text.as";
export { host_json_decode } from "./json-read.as";
export { host_json_encode } from "./json-write.as";
export { host_know } from "./kept.as";
export { host_arrival, host_bind, host_receive } from "./mailbox.as";
export {
  host_message_from,
  host_message_payload,
  host_message_topic,
  host_payload_data,
} from "./messages.as";
export { pack_values } from "./pack.as";
export { float_text, host_relaxed } from "./number-text.as";
export { host_pid_text } from "./pid.as";
export { next_place } from "./places.as";
export {
  host_entry_at,
  host_exchange,
  host_queue,
  host_ready,
  host_ready_first,
  host_steps,
  host_steps_taken,
  host_tidy,
  host_waiter,
  host_waiting,
} from "./queue.as";
export { push_rows } from "./rows.as";
export { host_send } from "./send.as";
export { host_coroutine } from "./spare.as";
export { host_spawn_plain } from "./spawn.as";
export { unpack_values } from "./unpack.as";
