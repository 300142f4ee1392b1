/**
 * Tests of the suite that do not run on a Temporal server, with the reasons.
 * `docs/contributing/temporal-conformance.md` lists them for readers.
 * @module
 */

const reasons: Readonly<Record<string, readonly string[]>> = {
  "the server's visibility lists open runs first, then the others by their end": [
    "a run keeps its place in the list when it ends",
  ],
  "a search attribute has one type in a namespace": [
    "an attribute may have another type in each run",
  ],
  "the server forgets an update that was rejected: its id is free again": [
    "an update that was rejected is remembered",
  ],
  "a test cannot move the clock of a server": [
    "a timer whose time has come by a jump fires within a minute, though nothing else happens",
    "a clock that is set back delays timers; the time of a run does not go back",
    "a failed activity is tried again when its wait is over by the clock, whichever way that has gone",
    "timeouts of runs follow the clock",
    "a lease that ends by a jump is another's; who had it cannot commit",
    "a cron schedule leaves out what a jump has passed over, and its runs never overlap",
  ],
  "minutes and hours of a cron schedule are those of the server's own clock": [
    "a cancellation that comes during the last task of a run of a cron schedule ends the chain",
  ],
  "the server refuses an update that comes while a task ends its run, or gives it to the run that follows; it does not do the task again":
    [
      "a update that comes while a run completes is seen by its code",
      "a update that comes while a run fails is seen by its code",
      "a update that comes while a run is canceled is seen by its code",
      "a update that comes while a run continues as new is seen by its code",
    ],
  "the server takes a request to cancel whenever the run is open, and has its last task done again however often":
    [
      "a cancel while the task is done again is refused when the run ends",
    ],
  "how long closed runs are kept is a setting of the namespace": [
    "closed runs are removed whole when they are old enough",
  ],
  "a reset takes over what came to the run that is reset, not what came to runs that other resets made of it":
    [
      "a second reset of the base keeps what came to the run that the first one made",
      "so does one of a base that was closed",
      "and one of a run in the middle of a chain, made after an earlier run was reset",
      "whatever is reset, the last run sees every signal once and in order",
      "an open update goes on to the run of the second reset, and is answered once",
    ],
  "the server computes the matches of its schedules by its own clock, which a test cannot move": [
    "days on which the clock is changed have each match once",
    "an update takes what is due first, then the new spec",
    "a clock that jumps ahead is caught up with; one that jumps back repeats nothing",
  ],
  "a runtime that stops does not stop the schedules of a server": [
    "matches that were missed while the entry changed are those of the new one",
    "what entries declare is kept in step with them, and stays paused",
    "buffer_all has a bound, beyond which starts are dropped and counted",
    "after a stop what was missed is made up for in order, as far as the catch-up window goes",
    "by default one missed match is made up for, the others overlap with it",
    "days of missed minutes are looked at in many short transactions",
    "whenever it dies, every match is acted on once",
  ],
  "cron expressions are hours and minutes of the server's own clock": [
    "a schedule starts a run at each match, with its facts",
    "expressions with a zone, intervals with an offset, bounds",
  ],
  "schedules know only whole seconds of the server's clock, and tests ask for the moments between them":
    [
      "a schedule says what it has done and is going to do",
      "jitter delays a start, the same after a restart, never past the next match",
      "matches while it is paused are left out; triggers are not",
      "limited actions end by themselves, and can be given more",
      "retries and continue-as-new are the same run of the schedule",
      "schedules are listed by id, page by page",
      "a trigger may have another policy than its schedule",
      "backfill acts on matches of the past, in order, also when paused",
    ],
  "the server tells a runtime nothing of what a schedule could not do": [
    "a run that fails or times out pauses the schedule where it says so",
    "a workflow id that is in use is a skipped start, and is told",
  ],
  "with cancel_other the server keeps every start until its turn, and counts none of them as skipped before":
    [
      "cancel_other asks the open run to end, and the newest start takes its place",
    ],
  "the server drops what waits when its schedule is paused, and does not count it": [
    "starts that wait are dropped when the schedule is paused by their turn, asked-for ones are not",
  ],
  "with allow_all the server does not follow the runs of a schedule": [
    "allow_all lets runs overlap",
    "ten ended runs are remembered, and every open one",
  ],
};

export const temporalExceptions: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(reasons).flatMap(([reason, names]) => names.map((name) => [name, reason])),
);
