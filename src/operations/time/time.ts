import { z } from "../../registry/schema.ts";
import { WippyError } from "../../vm/error.ts";
import { defineOperation, type Operation } from "../operation.ts";
import { abbreviation } from "./abbreviation.ts";

/** Temporal represents instants up to 8.64e12 seconds from 1970; this leaves room for a year. */
const furthest = 8_600_000_000_000n;
const nanoseconds = 1_000_000_000n;
const endOfTime = 2n ** 63n;

function clamp(seconds: bigint): bigint {
  if (seconds > furthest) return furthest;
  return seconds < -furthest ? -furthest : seconds;
}

/** Whether clocks are ahead of what the zone calls standard: the smaller offset of the year. */
function isDaylight(at: Temporal.ZonedDateTime): boolean {
  const winter = at.with({ month: 1, day: 1 }).offsetNanoseconds;
  const summer = at.with({ month: 7, day: 1 }).offsetNanoseconds;
  // Ireland counts its winter time as the exception; calling it standard is what zoneinfo's users
  // expect.
  return winter !== summer && at.offsetNanoseconds === Math.max(winter, summer);
}

function zoned(name: string, seconds: bigint): Temporal.ZonedDateTime {
  const zone = name === "Local" ? Temporal.Now.timeZoneId() : name;
  let at: Temporal.ZonedDateTime | undefined;
  try {
    at = new Temporal.ZonedDateTime(clamp(seconds) * nanoseconds, zone);
  } catch {
    // An unknown zone: told below.
  }
  // Names are matched without regard to case by Temporal, but are one exact text in Go and in the
  // data base.
  if (at === undefined || (name !== "Local" && at.timeZoneId !== name) || /^[+-]/.test(zone)) {
    const message = `unknown time zone ${name}; give an IANA name such as Europe/Berlin`;
    throw new WippyError("NotFound", message, { retryable: false });
  }
  return at;
}

function transition(at: Temporal.ZonedDateTime, direction: "next" | "previous") {
  const found = at.getTimeZoneTransition(direction);
  return found === null ? undefined : BigInt(Math.floor(found.epochMilliseconds / 1000));
}

/** Host operations of the module `time`. */
export const time: Operation[] = [
  defineOperation({
    name: "time.zone",
    summary: "What the clocks of a time zone show around an instant.",
    mode: "pure",
    arguments: () => [z.string(), z.union([z.int(), z.bigint()])],
    run(_context, name, seconds) {
      const at = zoned(name, BigInt(seconds));
      // A transition at the very instant is the beginning of its own interval.
      const from = transition(at.add({ nanoseconds: 1 }), "previous") ?? -endOfTime;
      const to = transition(at, "next") ?? endOfTime - 1n;
      return {
        offset: at.offsetNanoseconds / 1e9,
        abbreviation: abbreviation(at),
        dst: isDaylight(at),
        from,
        to,
      };
    },
  }),
];
