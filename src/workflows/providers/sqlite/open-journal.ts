import type { Database } from "bun:sqlite";
import type { ProviderPlatform } from "../../provider.ts";
import { limitHistories } from "./runs/history-limits.ts";
import { startWaiting } from "./runs/activity.ts";
import type { JournalSettings } from "./protocol.ts";
import { releaseMessages } from "./requests.ts";
import { endScheduled } from "./schedules/actions.ts";
import { LogSpace } from "./store/log-space.ts";
import { closeInMemory, MemoryHold, openInMemory } from "./store/memory.ts";
import { openDatabase, openTemporary } from "./store/open.ts";
import { type Hold, Ownership } from "./store/ownership.ts";
import { Runs } from "./store/run-states.ts";
import { checkKeys } from "./store/sealed.ts";
import { Store } from "./store/store.ts";
import { Deadlines } from "./transaction/deadlines.ts";
import { EarlyTasks } from "./transaction/early-tasks.ts";
import { HeldMessages } from "./transaction/held-messages.ts";
import { PendingQueries } from "./transaction/pending-queries.ts";
import { Publications } from "./transaction/publications.ts";
import { Slots } from "./transaction/slots.ts";
import { Transaction, type TransactionParts } from "./transaction/transaction.ts";
import { UpdateWaits } from "./transaction/update-waits.ts";
import { Watches } from "./transaction/watches.ts";
import type { Workers } from "./transaction/workers.ts";

/** A journal that this program owns. */
export type OpenJournal = TransactionParts & {
  ownership: Hold;
  /** What holds it, where that is no file. */
  memory?: Database;
  /** Absent where nothing waits for the disk. */
  logSpace?: LogSpace;
};

/** Opens a journal and takes it. @throws WippyError, see `WorkflowProvider.open` */
export function openJournal(
  settings: JournalSettings,
  random: ProviderPlatform["random"],
  workers: Workers,
): OpenJournal {
  const { keys, maxBytes, temporary } = settings;
  const inMemory = temporary === "memory";
  const ownership = (inMemory ? MemoryHold : Ownership).take(settings.path);
  let database: Database | undefined;
  try {
    const ring = keys && { keyId: keys.keyId, keys: new Map(keys.keys) };
    if (inMemory) database = openInMemory(ring);
    else {
      database = temporary === "file"
        ? openTemporary(ownership.path, maxBytes, ring)
        : openDatabase(ownership.path, maxBytes, ring);
      checkKeys(database, ownership.path);
    }
    ownership.begin(database, random.uuid());
    const store = new Store(database);
    const publications = new Publications(settings.maxPublications);
    publications.load(store);
    return {
      ownership,
      ...inMemory && { memory: database },
      ...temporary === undefined && { logSpace: new LogSpace(database, `${ownership.path}-wal`) },
      settings,
      store,
      runs: new Runs(store, settings.maxRuns),
      deadlines: new Deadlines(),
      watches: new Watches(),
      updateWaits: new UpdateWaits(),
      queries: new PendingQueries(),
      heldMessages: new HeldMessages(),
      publications,
      slots: new Slots(settings.maxActivities),
      early: new EarlyTasks(publications, workers),
      workers,
      random,
    };
  } catch (error) {
    database?.close();
    ownership.release();
    throw error;
  }
}

/** Runs `work` in a transaction. @throws what went wrong, when nothing of it was committed. */
export function commit(
  open: OpenJournal,
  now: number,
  work: (tx: Transaction) => void,
): Transaction {
  const tx = begin(open, now);
  goOn(open, tx, work);
  return end(open, tx);
}

/** Begins a transaction. @throws what went wrong */
export function begin(open: OpenJournal, now: number): Transaction {
  const tx = new Transaction(open, now);
  const isShort = open.logSpace?.isShort();
  open.store.begin();
  goOn(open, tx, () => {
    open.ownership.check(now);
    if (isShort) open.logSpace?.extend();
  });
  return tx;
}

/** Does something more in a transaction. @throws what went wrong; the transaction is rolled back then */
export function goOn(open: OpenJournal, tx: Transaction, work: (tx: Transaction) => void): void {
  try {
    work(tx);
  } catch (error) {
    open.store.rollback();
    for (const step of tx.undo.reverse()) step();
    throw error;
  }
}

/** Commits a transaction. @throws what went wrong, when nothing of it was committed */
export function end(open: OpenJournal, tx: Transaction): Transaction {
  goOn(open, tx, () => {
    releaseMessages(tx);
    endScheduled(tx);
    startWaiting(tx);
    limitHistories(tx);
    tx.publications.flush(tx);
    tx.finish();
    open.ownership.count(tx.now);
    open.store.commit();
    open.ownership.counted(tx.now);
  });
  return tx;
}

/** Closes a journal and lets go of it. */
export function closeJournal({ ownership, memory, logSpace, store }: OpenJournal): void {
  logSpace?.close();
  // The log of another runtime may have the name of ours by now, which SQLite would remove.
  if (memory) closeInMemory(memory);
  else if (ownership.hasFiles) store.close();
  else store.abandon();
  ownership.release();
}
