/**
 * An object whose fields are made when they are first read: to prepare all statements of a journal takes longer than
 * to open it, and most runtimes use a few.
 *
 * @example `onDemand({ lastRun: () => db.select()….prepare() }).lastRun.get()`
 */
export function onDemand<Makers extends Record<string, () => unknown>>(
  makers: Makers,
): { readonly [Name in keyof Makers]: ReturnType<Makers[Name]> } {
  const made = {};
  for (const [name, make] of Object.entries(makers)) {
    Object.defineProperty(made, name, {
      configurable: true,
      enumerable: true,
      get: () => {
        const value = make();
        Object.defineProperty(made, name, { value, enumerable: true });
        return value;
      },
    });
  }
  return made as { readonly [Name in keyof Makers]: ReturnType<Makers[Name]> };
}
