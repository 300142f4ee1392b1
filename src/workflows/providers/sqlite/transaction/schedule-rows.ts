import { WippyError } from "../../../../vm/error.ts";
import { unpackPlain } from "../../../history/history.ts";
import type { ScheduleDefinition } from "../../../schedules/schedules.ts";
import type { ScheduleRow, ScheduleStore } from "../store/schedule-store.ts";

/** The schedules that one transaction works with: each has one row, written when it is over. */
export class ScheduleRows {
  readonly #store: ScheduleStore;
  readonly #rows = new Map<number, ScheduleRow>();
  readonly #changed = new Set<ScheduleRow>();

  constructor(store: ScheduleStore) {
    this.#store = store;
  }

  get(schedule: number): ScheduleRow | undefined {
    return this.#rows.get(schedule) ?? this.#keep(this.#store.byNumber(schedule));
  }

  byId(scheduleId: string): ScheduleRow | undefined {
    return this.#keep(this.#store.byId(scheduleId));
  }

  /** Those that are due at `now`, the oldest first. */
  dueAt(now: number, limit: number): ScheduleRow[] {
    this.flush();
    return this.#store.dueAt(now, limit).map((row) => this.#keep(row)!);
  }

  insert(row: Omit<ScheduleRow, "schedule">): ScheduleRow {
    return this.#keep({ ...row, schedule: this.#store.insert(row) })!;
  }

  delete({ schedule }: ScheduleRow): void {
    const row = this.#rows.get(schedule);
    if (row) this.#changed.delete(row);
    this.#rows.delete(schedule);
    this.#store.delete(schedule);
  }

  /** The row is to be written. */
  changed(row: ScheduleRow): void {
    this.#changed.add(row);
  }

  /** Writes what changed; also before statements that look at many rows. */
  flush(): void {
    for (const row of this.#changed) this.#store.save(row);
    this.#changed.clear();
  }

  #keep(row: ScheduleRow | undefined): ScheduleRow | undefined {
    if (!row) return undefined;
    const known = this.#rows.get(row.schedule);
    if (known) return known;
    this.#rows.set(row.schedule, row);
    return row;
  }
}

/** What a schedule is. @throws WippyError Internal when that cannot be read */
export function definitionOf({ scheduleId, definition: packed }: ScheduleRow): ScheduleDefinition {
  try {
    const definition = unpackPlain<Partial<ScheduleDefinition> | null>(packed);
    if (definition?.spec && definition.action) return definition as ScheduleDefinition;
  } catch {
    // Told below.
  }
  throw new WippyError(
    "Internal",
    `the definition of the schedule ${scheduleId} is damaged; "wippy journal check" tells more`,
    { retryable: false },
  );
}
