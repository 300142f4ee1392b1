import { packPlain, unpackPlain } from "../../history.ts";
import { Journal } from "./journal.ts";
import type { JournalRequest } from "./messages.ts";
import { machine } from "./machine.ts";

// The journal's thread. Both directions carry packed arrays of messages, one message each time that either side has
// something to say: structured clones of the objects cost more (bench/workflows/thread.ts).

declare const self: Worker;

const journal = new Journal(machine, (events) => {
  const bytes = packPlain(events);
  self.postMessage(bytes, [bytes.buffer as ArrayBuffer]);
});

self.onmessage = (event: MessageEvent<Uint8Array>) => {
  journal.receive(unpackPlain<JournalRequest[]>(event.data));
};
