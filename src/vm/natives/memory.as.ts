// Places of the natives in the first KiB of memory, within the ranges that `src/vm/first-kib.ts` gives them. An image
// of a VM takes them along.

// Addresses that `host.know` notes.
export const KNOWN: usize = 352;
export const KNOWN_HERE: u32 = 32;
// Counters and the run queue, to 504.
export const COUNTERS: usize = 480;
// Numbers of the units that have ended (gone.as.ts): their block, how many there are, and how many it has room for.
export const GONE_NUMBERS: usize = 504;
export const GONE_COUNT: usize = 508;
export const GONE_ROOM: usize = 624;
// The block of scratch.as.ts.
export const SCRATCH_BLOCK: usize = 628;
// Steps that the run queue has taken, but for those that spent a slice, and their fuel: 32 bits each.
export const STEPS_TAKEN: usize = 632;
export const FUEL_TAKEN: usize = 636;
// A value for a search in a table.
export const KEY: usize = 528;
// More of what `host.know` notes, to 624.
export const MORE_KNOWN: usize = 544;
export const MOST_KNOWN: u32 = 52;
// A key that is unpacked, and a value for its slot meanwhile.
export const UNPACKED_KEY: usize = 640;
export const UNPACKED_VALUE: usize = 656;
// For JavaScript (src/vm/packing.ts): bytes that were packed last; values and bytes of texts that were unpacked last.
export const PACKED_LENGTH: usize = 672;
export const UNPACKED_VALUES: usize = 676;
export const UNPACKED_BYTES: usize = 680;
// How far the list of spare coroutines is filled (spare.as.ts).
export const SPARE_COUNT: usize = 684;
// Whether libraries are those of applications (src/vm/transform/relaxed.ts).
export const RELAXED: usize = 336;
// The block of across.as.ts.
export const MAIL: usize = 340;
// Where the list is of what calls use (kept.as.ts).
export const KNOWN_CALLS: usize = 344;
// The first map of `seen.as.ts`: 32 slots of eight bytes, to the end of the KiB.
export const FIRST_MAP: usize = 768;
// A text that is joined: 48 bytes of what `src/vm/transform/small_blocks.ts` leaves above the stack.
export const JOINED: usize = 1_083_584;
