import { Journal, type Surroundings } from "./journal.ts";
import type { JournalEvent, JournalRequest } from "./messages.ts";
import { packEvents, packRequests, unpackEvents, unpackRequests } from "./wire.ts";

/** The way to a journal, wherever it runs. */
export interface JournalLink {
  send(requests: JournalRequest[]): void;
  /** Ends the journal's thread, if it has one. */
  end(): void;
}

/** What a link brings back. */
export interface JournalListener {
  events(events: JournalEvent[]): void;
  /** The journal's thread broke down; nothing more comes. */
  broken(message: string): void;
}

/** A journal on a thread of its own. */
export function threadLink(listener: JournalListener): JournalLink {
  const worker = new Worker(new URL("./thread.ts", import.meta.url).href);
  worker.onmessage = (event: MessageEvent<Uint8Array>) => {
    listener.events(unpackEvents(event.data));
  };
  worker.onerror = (event) => listener.broken(event.message);
  return {
    send(requests) {
      const bytes = packRequests(requests);
      worker.postMessage(bytes, [bytes.buffer as ArrayBuffer]);
    },
    end: () => worker.terminate(),
  };
}

/**
 * A journal on the caller's thread: for programs that run a moment only, and for tests, which give
 * it a clock of their own. Messages are packed here too, so that both sides never share an object.
 */
export function inlineLink(listener: JournalListener, surroundings: Surroundings): JournalLink {
  const journal = new Journal(surroundings, (events) => {
    listener.events(unpackEvents(packEvents(events)));
  });
  return {
    send: (requests) => journal.receive(unpackRequests(packRequests(requests))),
    end() {},
  };
}
