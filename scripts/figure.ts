/** One figure, as a benchmark prints it. Missing numbers are null. */
export interface Figure {
  figure: string;
  value: number;
  unit: string;
  better: "higher" | "lower";
  n: number;
  peer: string | null;
  peer_value: number | null;
  /** Ours to the peer's, turned so that more is better for us. */
  ratio: number | null;
  /** Of the ratio where there is a peer, else of the value. */
  target: number | null;
  meets: boolean | null;
}
