// Messages between workers. What a unit sends to one of another worker is packed into a block for that worker, which
// JavaScript takes at the end of the turn (src/vm/parcels.ts), and what other workers have sent is delivered from
// memory. A message is the length of its bytes, then the packed list of PID, topic, sender, 1 and its value: what the
// request `send` has. All that is rare is left to Lua and JavaScript.
import { STATE_TOP, TAG_INTEGER, TAG_SHORT_STRING, VALUE_SIZE } from "./layout.as";
import { burn, reallocate } from "./lua.as";
import { BY_PID, ROUTES } from "./kept.as";
import { MAIL } from "./memory.as";
import { assignInteger, fieldOf } from "./fields.as";
import { packMessage } from "./pack.as";
import { outputSize, outputStart, resumeOutput, room, skip, written } from "./output.as";
import { unpack_values } from "./unpack.as";
import { canSend, isPlainTopic, isSendable, post, senderPid } from "./mailbox.as";
import { argument, kindOf, TABLE, tagOf } from "./values.as";

// The block at MAIL: the workers to which there is a link, a bit each; how often units of other workers had ended when
// the turn began; the metatable of Error objects and the limits of a value; and for each worker the address of its
// block, the bytes that are used of it, and those that it has.
const LINKS: usize = 0;
const ENDS: usize = 8;
const METATABLE: usize = 16;
const LEVELS: usize = 20;
const VALUES: usize = 24;
const BYTES: usize = 28;
const PARCELS: usize = 32;
const USED: usize = 4;
const SIZE: usize = 8;
const PARCEL: usize = 12;
const WORKERS: usize = 64;
const MAIL_SIZE: usize = PARCELS + WORKERS * PARCEL;
const WORKER_BITS: u64 = 6;
const WORKER_MASK: u64 = 63;

const FIRST_SIZE: usize = 1024;
// Bytes of a block from which on JavaScript takes what is sent.
const MOST_USED: usize = 262_144;
// For JavaScript, before the first message.
const HEAD: usize = 12;
const LENGTH: usize = 4;
const ITEMS: i32 = 5;
// What is packed in a few milliseconds at most: Lua's copy of more stops now and then, so that others get their turn.
const MOST_VALUES: u32 = 65536;
// Fuel of a message, and its bytes, as a power of two, that cost one unit more.
const SEND: u32 = 4;
const BYTES_SHIFT: u32 = 6;

// The address of the block at MAIL, which is made where there is none; 0: there is not enough memory.
export function mail_block(): usize {
  let mail = load<usize>(MAIL);
  if (mail) return mail;
  mail = reallocate(0, MAIL_SIZE);
  if (!mail) return 0;
  memory.fill(mail, 0, MAIL_SIZE);
  store<usize>(MAIL, mail);
  return mail;
}

// host.route(worker) -> what natives take for the worker of a unit that lives there, as long as no unit of another
// worker ends and the link is there; nothing: there is no link.
export function host_route(L: usize): i32 {
  const mail = load<usize>(MAIL);
  const worker = load<u64>(argument(L, 1));
  if (!mail || worker > WORKER_MASK || !(load<u64>(mail + LINKS) >> worker & 1)) return 0;
  const top = load<usize>(L + STATE_TOP);
  assignInteger(top, load<u64>(mail + ENDS) << WORKER_BITS | worker, TAG_INTEGER);
  store<usize>(L + STATE_TOP, top + VALUE_SIZE);
  return 1;
}

// The parcel for the worker where the unit lives whose PID is in a slot; 0: that is not known, or Lua sends.
function parcelFor(mail: usize, pid: usize): usize {
  const route = fieldOf(load<usize>(ROUTES), load<usize>(pid));
  if (tagOf(route) !== TAG_INTEGER) return 0;
  const known = load<u64>(route);
  const worker = known & WORKER_MASK;
  if (known >> WORKER_BITS !== load<u64>(mail + ENDS)) return 0;
  if (!(load<u64>(mail + LINKS) >> worker & 1)) return 0;
  const parcel = mail + PARCELS + <usize> worker * PARCEL;
  if (load<usize>(parcel) === 0) {
    const block = reallocate(0, FIRST_SIZE);
    if (!block) return 0;
    store<usize>(parcel, block);
    store<usize>(parcel + USED, HEAD);
    store<usize>(parcel + SIZE, FIRST_SIZE);
  }
  return load<usize>(parcel + USED) < MOST_USED ? parcel : 0;
}

// Whether a message was sent of the arguments at `base`: PID, topic and value.
export function sendAcross(base: usize): bool {
  const mail = load<usize>(MAIL);
  if (!mail || !isPlainTopic(load<usize>(base + VALUE_SIZE))) return false;
  const value = base + 2 * VALUE_SIZE;
  if (!isSendable(kindOf(value))) return false;
  const parcel = parcelFor(mail, base);
  if (!parcel || !canSend()) return false;
  const used = load<usize>(parcel + USED);
  resumeOutput(load<usize>(parcel), used, load<usize>(parcel + SIZE));
  let packed = room(LENGTH);
  if (packed) {
    skip(LENGTH);
    packed = packMessage(
      base,
      base + VALUE_SIZE,
      senderPid(),
      value,
      load<usize>(mail + METATABLE),
      load<u32>(mail + LEVELS),
      MOST_VALUES,
      load<u32>(mail + BYTES),
    );
  }
  // It may have grown all the same.
  store<usize>(parcel, outputStart());
  store<usize>(parcel + SIZE, outputSize());
  if (!packed) return false;
  const length = written() - <u32> (used + LENGTH);
  store<u32>(outputStart() + used, length);
  store<usize>(parcel + USED, written());
  burn(SEND + (length >> BYTES_SHIFT));
  return true;
}

// host.take_mail(at, end): delivers the messages that lie from one address to another. Nothing: all are delivered.
// The address of one that JavaScript has to unpack; or that of the next, and the PID, the topic, the sender and the
// value of one that Lua has to deliver.
export function host_take_mail(L: usize): i32 {
  // Where there is a link, there is a block.
  const mail = load<usize>(MAIL);
  let at = load<usize>(argument(L, 1));
  const end = load<usize>(argument(L, 2));
  while (at < end) {
    const length = <usize> load<u32>(at);
    const base = argument(L, 1);
    const items = base + 2 * VALUE_SIZE;
    store<usize>(L + STATE_TOP, items);
    const count = unpack_values(
      L,
      at + LENGTH,
      length,
      true,
      load<u32>(mail + LEVELS),
      load<u32>(mail + VALUES),
      load<u32>(mail + BYTES),
    );
    if (count !== ITEMS) {
      const result = argument(L, 1);
      assignInteger(result, at, TAG_INTEGER);
      store<usize>(L + STATE_TOP, result + VALUE_SIZE);
      return 1;
    }
    at += LENGTH + length;
    if (!isPosted(L)) {
      const result = argument(L, 1);
      assignInteger(result, at, TAG_INTEGER);
      // The next address, and without the number of values.
      memory.copy(result + VALUE_SIZE, result + 2 * VALUE_SIZE, 3 * VALUE_SIZE);
      memory.copy(result + 4 * VALUE_SIZE, result + 6 * VALUE_SIZE, VALUE_SIZE);
      store<usize>(L + STATE_TOP, result + 5 * VALUE_SIZE);
      return 5;
    }
  }
  store<usize>(L + STATE_TOP, argument(L, 1));
  return 0;
}

// Whether the message whose parts lie behind the two arguments was given to its unit.
function isPosted(L: usize): bool {
  const pid = argument(L, 3);
  if (tagOf(pid) !== TAG_SHORT_STRING || tagOf(pid + VALUE_SIZE) !== TAG_SHORT_STRING) return false;
  const to = fieldOf(load<usize>(BY_PID), load<usize>(pid));
  if (kindOf(to) !== TABLE) return false;
  return post(L, load<usize>(to), pid + VALUE_SIZE, pid + 2 * VALUE_SIZE, pid + 4 * VALUE_SIZE);
}
