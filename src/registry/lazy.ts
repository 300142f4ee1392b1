/**
 * Makes a value when it is first asked for, then gives the same one. To make all schemas of the house takes longer
 * than a short script does, and a script needs few of them.
 */
export function lazy<Value>(make: () => Value): () => Value {
  let made: { value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}
