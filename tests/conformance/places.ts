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

// The whole suite takes minutes on a server, so it is asked for: WIPPY_CONFORMANCE=temporal.
if (process.env["WIPPY_CONFORMANCE"] === "temporal") {
  const { temporalPlaces } = await import("./temporal-place.ts");
  places.push(...temporalPlaces);
}
