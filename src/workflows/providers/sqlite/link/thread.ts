import { machine } from "../../../../platform/machine.ts";
import { packPlain, unpackPlain } from "../../../history/history.ts";
import { Journal } from "../journal.ts";
import { type Connect, JournalPorts } from "./link.ts";

// The journal's thread. All ways carry packed lists of messages, one each time that a side has something
// to say: those from and to the provider, and one of its own for each worker.

declare const self: Worker;

const ports = new JournalPorts();

const journal = new Journal(machine, {
  tell(events) {
    const bytes = packPlain(events);
    self.postMessage(bytes, [bytes.buffer as ArrayBuffer]);
  },
  dispatch: (worker, tasks) => ports.dispatch(worker, tasks),
});

/** Milliseconds between two looks for whether the files are still there. */
const lookInterval = 5_000;
setInterval(() => journal.look(), lookInterval);

self.onmessage = ({ data }: MessageEvent<Uint8Array | Connect>) => {
  if (data instanceof Uint8Array) journal.receive(unpackPlain(data));
  else ports.open(journal, data);
};
