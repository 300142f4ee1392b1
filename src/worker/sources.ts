/**
 * The Lua files that every worker runs, embedded as text. A new module is a line here and its name in
 * `lua/kernel/kernel.lua`.
 * @module
 */
import contextFunction from "../../lua/contexts/function.lua" with { type: "text" };
import contextProcess from "../../lua/contexts/process.lua" with { type: "text" };
import contextWorkflow from "../../lua/contexts/workflow.lua" with { type: "text" };
import activities from "../../lua/kernel/workflows/activities.lua" with { type: "text" };
import activityOptions from "../../lua/kernel/workflows/activity_options.lua" with { type: "text" };
import actors from "../../lua/kernel/processes/processes.lua" with { type: "text" };
import adaptive from "../../lua/kernel/functions/adaptive.lua" with { type: "text" };
import boot from "../../lua/kernel/boot.lua" with { type: "text" };
import calls from "../../lua/kernel/functions/functions.lua" with { type: "text" };
import channel from "../../lua/kernel/messaging/channel.lua" with { type: "text" };
import check from "../../lua/kernel/core/check.lua" with { type: "text" };
import copy from "../../lua/kernel/core/copy.lua" with { type: "text" };
import duration from "../../lua/kernel/core/duration.lua" with { type: "text" };
import effects from "../../lua/kernel/core/effects.lua" with { type: "text" };
import errors from "../../lua/kernel/core/errors.lua" with { type: "text" };
import future from "../../lua/kernel/messaging/future.lua" with { type: "text" };
import identity from "../../lua/kernel/security/identity.lua" with { type: "text" };
import inspect from "../../lua/kernel/inspect/inspect.lua" with { type: "text" };
import interceptors from "../../lua/kernel/functions/interceptors.lua" with { type: "text" };
import kernel from "../../lua/kernel/kernel.lua" with { type: "text" };
import limits from "../../lua/kernel/processes/limits.lua" with { type: "text" };
import links from "../../lua/kernel/processes/links.lua" with { type: "text" };
import mailbox from "../../lua/kernel/messaging/mailbox.lua" with { type: "text" };
import object from "../../lua/kernel/core/object.lua" with { type: "text" };
import operations from "../../lua/kernel/functions/operations.lua" with { type: "text" };
import permissions from "../../lua/kernel/security/permissions.lua" with { type: "text" };
import plain from "../../lua/kernel/core/plain.lua" with { type: "text" };
import policies from "../../lua/kernel/security/policies.lua" with { type: "text" };
import pool from "../../lua/kernel/functions/pool.lua" with { type: "text" };
import position from "../../lua/kernel/core/position.lua" with { type: "text" };
import queries from "../../lua/kernel/workflows/queries.lua" with { type: "text" };
import prompt from "../../lua/kernel/inspect/repl.lua" with { type: "text" };
import recordSize from "../../lua/kernel/workflows/record_size.lua" with { type: "text" };
import remote from "../../lua/kernel/processes/remote.lua" with { type: "text" };
import runInfo from "../../lua/kernel/workflows/run_info.lua" with { type: "text" };
import sandbox from "../../lua/kernel/core/sandbox.lua" with { type: "text" };
import scheduler from "../../lua/kernel/core/scheduler.lua" with { type: "text" };
import spawning from "../../lua/kernel/processes/spawning.lua" with { type: "text" };
import localActivities from "../../lua/kernel/workflows/local_activities.lua" with { type: "text" };
import startChecks from "../../lua/kernel/workflows/start_checks.lua" with { type: "text" };
import taskLimits from "../../lua/kernel/workflows/task_limits.lua" with { type: "text" };
import stable from "../../lua/kernel/core/stable.lua" with { type: "text" };
import scopes from "../../lua/kernel/workflows/scopes.lua" with { type: "text" };
import subscriptions from "../../lua/kernel/processes/subscriptions.lua" with { type: "text" };
import timers from "../../lua/kernel/core/timers.lua" with { type: "text" };
import unit from "../../lua/kernel/core/unit.lua" with { type: "text" };
import weigh from "../../lua/kernel/inspect/weigh.lua" with { type: "text" };
import upgrade from "../../lua/kernel/processes/upgrade.lua" with { type: "text" };
import updates from "../../lua/kernel/workflows/updates.lua" with { type: "text" };
import versions from "../../lua/kernel/workflows/versions.lua" with { type: "text" };
import workflows from "../../lua/kernel/workflows/workflows.lua" with { type: "text" };
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
  "kernel/workflows/activities": activities,
  "kernel/workflows/activity_options": activityOptions,
  "kernel/processes/processes": actors,
  "kernel/functions/adaptive": adaptive,
  "kernel/functions/functions": calls,
  "kernel/messaging/channel": channel,
  "kernel/core/check": check,
  "kernel/core/copy": copy,
  "kernel/core/duration": duration,
  "kernel/core/effects": effects,
  "kernel/core/errors": errors,
  "kernel/messaging/future": future,
  "kernel/security/identity": identity,
  "kernel/inspect/inspect": inspect,
  "kernel/functions/interceptors": interceptors,
  "kernel/kernel": kernel,
  "kernel/processes/limits": limits,
  "kernel/processes/links": links,
  "kernel/messaging/mailbox": mailbox,
  "kernel/core/object": object,
  "kernel/functions/operations": operations,
  "kernel/security/permissions": permissions,
  "kernel/core/plain": plain,
  "kernel/security/policies": policies,
  "kernel/functions/pool": pool,
  "kernel/core/position": position,
  "kernel/workflows/queries": queries,
  "kernel/inspect/repl": prompt,
  "kernel/workflows/record_size": recordSize,
  "kernel/processes/remote": remote,
  "kernel/workflows/run_info": runInfo,
  "kernel/core/sandbox": sandbox,
  "kernel/core/scheduler": scheduler,
  "kernel/processes/spawning": spawning,
  "kernel/workflows/local_activities": localActivities,
  "kernel/core/stable": stable,
  "kernel/workflows/start_checks": startChecks,
  "kernel/workflows/task_limits": taskLimits,
  "kernel/workflows/scopes": scopes,
  "kernel/processes/subscriptions": subscriptions,
  "kernel/core/timers": timers,
  "kernel/core/unit": unit,
  "kernel/inspect/weigh": weigh,
  "kernel/processes/upgrade": upgrade,
  "kernel/workflows/updates": updates,
  "kernel/workflows/versions": versions,
  "kernel/workflows/workflows": workflows,
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
