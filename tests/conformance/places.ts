import type { PlaceKind } from "./place.ts";
import { SqlitePlace } from "./sqlite-place.ts";

/** The providers that the suite is run over. A new one is added here, and nowhere else in this folder. */
export const places: PlaceKind[] = [
  { name: "sqlite", make: () => new SqlitePlace() },
  {
    // As between threads: what is sent arrives later, in the order in which it was sent.
    name: "sqlite behind a transport, its worker ahead",
    make: () =>
      new SqlitePlace(
        { transport: (deliver) => (message) => void setImmediate(() => deliver(message)) },
        { runsAhead: true },
      ),
  },
];
