/** A child as a supervisor is told of it. */
export interface ChildSpec {
  id: string;
  restart: "permanent" | "transient" | "temporary";
  shutdown: "brutal_kill" | "50ms";
  deaf: boolean;
}

/** What is done to a supervisor or to one of its children. */
export interface Op {
  how: "fail" | "return" | "kill" | "terminate_child" | "restart_child" | "delete_child";
  id: string;
}

/** A child after an operation; `fresh`: under a PID that it did not have before. */
export interface Row {
  id: string;
  runs: boolean;
  fresh: boolean;
}

export type Strategy = "one_for_one" | "one_for_all" | "rest_for_one";

/**
 * Erlang/OTP's rules for supervisors as a small model: what each operation makes of the children, with enough
 * intensity to restart them all.
 */
export class SupervisorModel {
  #children: { spec: ChildSpec; runs: boolean; fresh: boolean }[];

  constructor(readonly strategy: Strategy, children: readonly ChildSpec[]) {
    this.#children = children.map((spec) => ({ spec, runs: true, fresh: true }));
  }

  /** The children in the order of their start. */
  rows(): Row[] {
    return this.#children.map(({ spec: { id }, runs, fresh }) => ({ id, runs, fresh }));
  }

  /** Does it. @returns whether the supervisor allows it */
  apply({ how, id }: Op): boolean {
    for (const child of this.#children) child.fresh = false;
    const at = this.#children.findIndex(({ spec }) => spec.id === id);
    const child = this.#children[at];
    switch (how) {
      case "terminate_child":
        if (!child) return false;
        child.runs = false;
        if (child.spec.restart === "temporary") this.#children.splice(at, 1);
        return true;
      case "restart_child":
        if (!child || child.runs) return false;
        this.#start(child);
        return true;
      case "delete_child":
        if (!child || child.runs) return false;
        this.#children.splice(at, 1);
        return true;
      default:
        if (child?.runs) this.#ended(at, how !== "return");
        return true;
    }
  }

  #start(child: { runs: boolean; fresh: boolean }): void {
    child.runs = true;
    child.fresh = true;
  }

  #ended(at: number, abnormal: boolean): void {
    const child = this.#children[at]!;
    child.runs = false;
    const { restart } = child.spec;
    if (restart === "temporary") this.#children.splice(at, 1);
    if (restart === "temporary" || (restart === "transient" && !abnormal)) return;
    if (this.strategy === "one_for_one") return this.#start(child);
    const from = this.strategy === "one_for_all" ? 0 : at;
    this.#children = this.#children.filter(({ spec }, index) =>
      index < from || spec.restart !== "temporary"
    );
    for (const other of this.#children.slice(from)) this.#start(other);
  }
}
