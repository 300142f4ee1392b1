import { bytes, span } from "./measure.ts";

/** What a worker has compiled to WebAssembly. */
interface Figures {
  functions: number;
  bytes: number;
  milliseconds: number;
  drops: number;
}

/** What all workers have compiled, as people read it; undefined where that is nothing. */
export function compiledText(
  workers: readonly { compiled?: Figures | undefined }[],
): string | undefined {
  const all = workers.flatMap(({ compiled }) => compiled ?? []);
  const sum = (field: keyof Figures) => all.reduce((total, one) => total + one[field], 0);
  const [functions, drops] = [sum("functions"), sum("drops")];
  if (functions === 0 && drops === 0) return undefined;
  const dropped = drops > 0 ? `, dropped ${drops === 1 ? "once" : `${drops} times`}` : "";
  return `${functions.toLocaleString()} functions, ${bytes(sum("bytes"))}, in ${
    span(sum("milliseconds"))
  }${dropped}`;
}
