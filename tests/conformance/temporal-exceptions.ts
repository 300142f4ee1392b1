export const temporalExceptions: Readonly<Record<string, string>> = {};
