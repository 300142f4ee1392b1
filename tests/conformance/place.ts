import type { VirtualMachine } from "./runtime.ts";
import type { ProviderOptions, WorkflowProvider } from "../../src/workflows/provider.ts";

/** Where a provider keeps its runs: a file, a namespace of a server. It outlives the provider. */
export interface Place {
  /** Returns a provider of what is kept here; it is not open. */
  provider(options: ProviderOptions): WorkflowProvider;
  /** Returns what the next runtime finds when the one that has this place open dies now. */
  crashed(): Place;
  /** Returns what is wrong with what is kept; only while no provider is open. */
  faults(): string[];
  remove(): void;
  /** Returns its clock, where that is not a test's to set. */
  machine?(): VirtualMachine;
  /** Waits until nothing is left to do without time passing, where that does not happen in this process. */
  settle?(): Promise<void>;
  /** Workers show runs outcomes ahead of the provider, as those of a runtime do. */
  readonly runsAhead: boolean;
}

/** A kind of provider that the suite is run over. */
export interface PlaceKind {
  name: string;
  /** Makes an empty place. */
  make(): Place;
  /** Makes an empty place with another clock for tests of schedules. @default the same as others */
  makeForSchedules?(): Place;
  /** Milliseconds that a test may take. @default as everywhere */
  timeout?: number;
  /** Names of tests that it does not pass, with the reasons: what its kind of storage cannot do, or does otherwise. */
  exceptions?: Readonly<Record<string, string>>;
}
