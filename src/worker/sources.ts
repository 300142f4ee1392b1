/**
 * The Lua files that every worker runs, embedded as text. A new module is a line here and its name in
 * `lua/kernel/kernel.lua`.
 * @module
 */
import contextFunction from "../../lua/contexts/function.lua" with { type: "text" };
import contextProcess from "../../lua/contexts/process.lua" with { type: "text" };
import contextWorkflow from "../../lua/contexts/workflow.lua" with { type: "text" };
import activities from "../../lua/kernel/activities.lua" with { type: "text" };
import activityOptions from "../../lua/kernel/activity_options.lua" with { type: "text" };
import actors from "../../lua/kernel/actors.lua" with { type: "text" };
import adaptive from "../../lua/kernel/adaptive.lua" with { type: "text" };
import boot from "../../lua/kernel/boot.lua" with { type: "text" };
import calls from "../../lua/kernel/calls.lua" with { type: "text" };
import channel from "../../lua/kernel/channel.lua" with { type: "text" };
import check from "../../lua/kernel/check.lua" with { type: "text" };
import copy from "../../lua/kernel/copy.lua" with { type: "text" };
import duration from "../../lua/kernel/duration.lua" with { type: "text" };
import effects from "../../lua/kernel/effects.lua" with { type: "text" };
import errors from "../../lua/kernel/errors.lua" with { type: "text" };
import future from "../../lua/kernel/future.lua" with { type: "text" };
import identity from "../../lua/kernel/identity.lua" with { type: "text" };
import inspect from "../../lua/kernel/inspect.lua" with { type: "text" };
import interceptors from "../../lua/kernel/interceptors.lua" with { type: "text" };
import kernel from "../../lua/kernel/kernel.lua" with { type: "text" };
import limits from "../../lua/kernel/limits.lua" with { type: "text" };
import links from "../../lua/kernel/links.lua" with { type: "text" };
import mailbox from "../../lua/kernel/mailbox.lua" with { type: "text" };
import object from "../../lua/kernel/object.lua" with { type: "text" };
import operations from "../../lua/kernel/operations.lua" with { type: "text" };
import permissions from "../../lua/kernel/permissions.lua" with { type: "text" };
import plain from "../../lua/kernel/plain.lua" with { type: "text" };
import policies from "../../lua/kernel/policies.lua" with { type: "text" };
import pool from "../../lua/kernel/pool.lua" with { type: "text" };
import position from "../../lua/kernel/position.lua" with { type: "text" };
import queries from "../../lua/kernel/queries.lua" with { type: "text" };
import prompt from "../../lua/kernel/prompt.lua" with { type: "text" };
import recordSize from "../../lua/kernel/record_size.lua" with { type: "text" };
import remote from "../../lua/kernel/remote.lua" with { type: "text" };
import runInfo from "../../lua/kernel/run_info.lua" with { type: "text" };
import sandbox from "../../lua/kernel/sandbox.lua" with { type: "text" };
import scheduler from "../../lua/kernel/scheduler.lua" with { type: "text" };
import spawning from "../../lua/kernel/spawning.lua" with { type: "text" };
import localActivities from "../../lua/kernel/local_activities.lua" with { type: "text" };
import startChecks from "../../lua/kernel/start_checks.lua" with { type: "text" };
import taskLimits from "../../lua/kernel/task_limits.lua" with { type: "text" };
import stable from "../../lua/kernel/stable.lua" with { type: "text" };
import scopes from "../../lua/kernel/scopes.lua" with { type: "text" };
import subscriptions from "../../lua/kernel/subscriptions.lua" with { type: "text" };
import timers from "../../lua/kernel/timers.lua" with { type: "text" };
import unit from "../../lua/kernel/unit.lua" with { type: "text" };
import weigh from "../../lua/kernel/weigh.lua" with { type: "text" };
import upgrade from "../../lua/kernel/upgrade.lua" with { type: "text" };
import updates from "../../lua/kernel/updates.lua" with { type: "text" };
import versions from "../../lua/kernel/versions.lua" with { type: "text" };
import workflows from "../../lua/kernel/workflows.lua" with { type: "text" };
import libraryCalendar from "../../lua/library/calendar.lua" with { type: "text" };
import libraryLayout from "../../lua/library/layout.lua" with { type: "text" };
import libraryLayoutParse from "../../lua/library/layout_parse.lua" with { type: "text" };
import libraryRequest from "../../lua/library/request.lua" with { type: "text" };
import libraryScanner from "../../lua/library/scanner.lua" with { type: "text" };
import libraryShow from "../../lua/library/show.lua" with { type: "text" };
import libraryServerLoop from "../../lua/library/server_loop.lua" with { type: "text" };
import libraryStream from "../../lua/library/stream.lua" with { type: "text" };
import librarySupervision from "../../lua/library/supervision.lua" with { type: "text" };
import librarySupervisorRequests from "../../lua/library/supervisor_requests.lua" with {
  type: "text",
};
import librarySupervisorSpec from "../../lua/library/supervisor_spec.lua" with { type: "text" };
import libraryZone from "../../lua/library/zone.lua" with { type: "text" };
import moduleActivity from "../../lua/modules/activity.lua" with { type: "text" };
import moduleContract from "../../lua/modules/contract.lua" with { type: "text" };
import moduleCtx from "../../lua/modules/ctx.lua" with { type: "text" };
import moduleEnv from "../../lua/modules/env.lua" with { type: "text" };
import moduleEvents from "../../lua/modules/events.lua" with { type: "text" };
import moduleFs from "../../lua/modules/fs.lua" with { type: "text" };
import moduleIo from "../../lua/modules/io.lua" with { type: "text" };
import moduleJson from "../../lua/modules/json.lua" with { type: "text" };
import moduleLogger from "../../lua/modules/logger.lua" with { type: "text" };
import moduleOs from "../../lua/modules/os.lua" with { type: "text" };
import modulePg from "../../lua/modules/pg.lua" with { type: "text" };
import moduleRegistry from "../../lua/modules/registry.lua" with { type: "text" };
import moduleSchedule from "../../lua/modules/schedule.lua" with { type: "text" };
import moduleSecurity from "../../lua/modules/security.lua" with { type: "text" };
import moduleServer from "../../lua/modules/server.lua" with { type: "text" };
import moduleSupervisor from "../../lua/modules/supervisor.lua" with { type: "text" };
import moduleSys from "../../lua/modules/sys.lua" with { type: "text" };
import moduleSystem from "../../lua/modules/system.lua" with { type: "text" };
import moduleTime from "../../lua/modules/time.lua" with { type: "text" };
import moduleUuid from "../../lua/modules/uuid.lua" with { type: "text" };
import moduleFuncs from "../../lua/modules/funcs.lua" with { type: "text" };
import moduleGlobals from "../../lua/modules/globals.lua" with { type: "text" };
import modulePayload from "../../lua/modules/payload.lua" with { type: "text" };
import moduleProcess from "../../lua/modules/process.lua" with { type: "text" };
import moduleWorkflow from "../../lua/modules/workflow.lua" with { type: "text" };

/** Runs first; it is given the others. */
export const bootSource = boot;

/** Name as `use` knows it, to text. */
export const sources: Record<string, string> = {
  "contexts/function": contextFunction,
  "contexts/process": contextProcess,
  "contexts/workflow": contextWorkflow,
  "kernel/activities": activities,
  "kernel/activity_options": activityOptions,
  "kernel/actors": actors,
  "kernel/adaptive": adaptive,
  "kernel/calls": calls,
  "kernel/channel": channel,
  "kernel/check": check,
  "kernel/copy": copy,
  "kernel/duration": duration,
  "kernel/effects": effects,
  "kernel/errors": errors,
  "kernel/future": future,
  "kernel/identity": identity,
  "kernel/inspect": inspect,
  "kernel/interceptors": interceptors,
  "kernel/kernel": kernel,
  "kernel/limits": limits,
  "kernel/links": links,
  "kernel/mailbox": mailbox,
  "kernel/object": object,
  "kernel/operations": operations,
  "kernel/permissions": permissions,
  "kernel/plain": plain,
  "kernel/policies": policies,
  "kernel/pool": pool,
  "kernel/position": position,
  "kernel/queries": queries,
  "kernel/prompt": prompt,
  "kernel/record_size": recordSize,
  "kernel/remote": remote,
  "kernel/run_info": runInfo,
  "kernel/sandbox": sandbox,
  "kernel/scheduler": scheduler,
  "kernel/spawning": spawning,
  "kernel/local_activities": localActivities,
  "kernel/stable": stable,
  "kernel/start_checks": startChecks,
  "kernel/task_limits": taskLimits,
  "kernel/scopes": scopes,
  "kernel/subscriptions": subscriptions,
  "kernel/timers": timers,
  "kernel/unit": unit,
  "kernel/weigh": weigh,
  "kernel/upgrade": upgrade,
  "kernel/updates": updates,
  "kernel/versions": versions,
  "kernel/workflows": workflows,
  "library/calendar": libraryCalendar,
  "library/layout": libraryLayout,
  "library/layout_parse": libraryLayoutParse,
  "library/request": libraryRequest,
  "library/scanner": libraryScanner,
  "library/show": libraryShow,
  "library/server_loop": libraryServerLoop,
  "library/stream": libraryStream,
  "library/supervision": librarySupervision,
  "library/supervisor_requests": librarySupervisorRequests,
  "library/supervisor_spec": librarySupervisorSpec,
  "library/zone": libraryZone,
  "modules/activity": moduleActivity,
  "modules/contract": moduleContract,
  "modules/ctx": moduleCtx,
  "modules/env": moduleEnv,
  "modules/events": moduleEvents,
  "modules/fs": moduleFs,
  "modules/io": moduleIo,
  "modules/json": moduleJson,
  "modules/logger": moduleLogger,
  "modules/os": moduleOs,
  "modules/pg": modulePg,
  "modules/registry": moduleRegistry,
  "modules/schedule": moduleSchedule,
  "modules/security": moduleSecurity,
  "modules/server": moduleServer,
  "modules/supervisor": moduleSupervisor,
  "modules/sys": moduleSys,
  "modules/system": moduleSystem,
  "modules/time": moduleTime,
  "modules/uuid": moduleUuid,
  "modules/funcs": moduleFuncs,
  "modules/globals": moduleGlobals,
  "modules/payload": modulePayload,
  "modules/process": moduleProcess,
  "modules/workflow": moduleWorkflow,
};
