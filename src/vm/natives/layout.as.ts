// Where Lua 5.4's C structures keep what the natives use: offsets in bytes, for 32-bit pointers. The build checks each
// of them against structures that Lua itself has made (src/vm/transform/layout_check.ts).

// lua_State and global_State
export const STATE_TOP: usize = 12;
export const STATE_GLOBAL: usize = 16;
export const STATE_CALL_INFO: usize = 20;
export const GLOBAL_DEBT: usize = 12;
export const CALL_INFO_FUNCTION: usize = 0;

// Every collected object: its tag, without COLLECTABLE
export const OBJECT_TAG: usize = 4;
export const OBJECT_MARKED: usize = 5;

// Table and Node. The array of an empty hash part is one node that all such tables share.
export const TABLE_FLAGS: usize = 6;
export const TABLE_LOG_NODES: usize = 7;
export const TABLE_LIMIT: usize = 8;
export const TABLE_ARRAY: usize = 12;
export const TABLE_NODES: usize = 16;
export const TABLE_LAST_FREE: usize = 20;
export const TABLE_METATABLE: usize = 24;
export const NODE_KEY_TAG: usize = 9;
export const NODE_NEXT: usize = 12;
export const NODE_KEY: usize = 16;
export const NODE_SIZE: usize = 24;
export const SHARED_NODE: usize = 11536;
// The slot that a search in a table answers when there is none.
export const ABSENT_SLOT: usize = 11560;

// A closure of a C function
export const CLOSURE_UPVALUES: usize = 16;

// TString
export const STRING_SHORT_LENGTH: usize = 7;
export const STRING_HASH: usize = 8;
export const STRING_LONG_LENGTH: usize = 12;
export const STRING_TEXT: usize = 16;

// A value: eight bytes, then its tag. Tags of collected objects have a bit more.
export const VALUE_TAG: usize = 8;
export const VALUE_SIZE: usize = 16;
export const TAG_NIL: u8 = 0;
export const TAG_FALSE: u8 = 1;
export const TAG_TRUE: u8 = 17;
export const TAG_INTEGER: u8 = 3;
export const TAG_FLOAT: u8 = 19;
export const TAG_SHORT_STRING: u8 = 68;
export const TAG_LONG_STRING: u8 = 84;
export const TAG_TABLE: u8 = 69;
export const TAG_THREAD: u8 = 72;
// An entry without a value, and the key of a node whose key may be collected.
export const TAG_EMPTY: u8 = 16;
export const TAG_DEAD_KEY: u8 = 11;
export const COLLECTABLE: u8 = 64;
