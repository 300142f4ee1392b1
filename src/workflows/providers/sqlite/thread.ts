import { Journal } from "./journal.ts";
import { machine } from "../../../surroundings/machine.ts";
import { packEvents, unpackRequests } from "./wire.ts";

// The journal's thread. Both directions carry packed lists of messages, one each time that either
// side has something to say.

declare const self: Worker;

const journal = new Journal(machine, (events) => {
  const bytes = packEvents(events);
  self.postMessage(bytes, [bytes.buffer as ArrayBuffer]);
});

self.onmessage = (event: MessageEvent<Uint8Array>) => {
  journal.receive(unpackRequests(event.data));
};
