import type { WorkflowWork, WorkPlace } from "./workflow-work.ts";

/**
 * What a worker does for the workflow providers, from when there is something to do: replaying runs takes code that a
 * script without workflows need not read.
 */
export class LateWorkflowWork {
  readonly #place: WorkPlace;
  #made: WorkflowWork | undefined;

  constructor(place: WorkPlace) {
    this.#place = place;
  }

  /** It, where there has been something to do; until then no unit and no run of the worker concerns it. */
  get made(): WorkflowWork | undefined {
    return this.#made;
  }

  /** It, read and made when that is not done yet. */
  make(): WorkflowWork {
    if (this.#made) return this.#made;
    const { WorkflowWork } = require("./workflow-work.ts") as typeof import("./workflow-work.ts");
    return this.#made = new WorkflowWork(this.#place);
  }
}
