/**
 * Fields that starts, children and schedules have in common, as Temporal's messages have them.
 * @module
 */
import type { temporal } from "../messages/messages.ts";
import { unpack } from "../../../../vm/codec.ts";
import type { LuaValue } from "../../../../vm/value.ts";
import type { Payload as Packed } from "../../../payload.ts";
import type { Conversion } from "../conversion.ts";
import type { Payload } from "../proto.ts";

/** A packed memo as a message has it. */
export function memoFields(conversion: Conversion, memo: Packed): { [name: string]: Payload } {
  const table = unpack(memo) as Record<string, LuaValue>;
  return Object.fromEntries(
    Object.entries(table).map(([name, value]) => [name, conversion.payload(value)]),
  );
}

/** Texts for people. */
export function texts(
  conversion: Conversion,
  { summary, details }: { summary?: string; details?: string },
): { userMetadata?: temporal.api.sdk.v1.IUserMetadata } {
  if (summary === undefined && details === undefined) return {};
  return {
    userMetadata: {
      ...summary !== undefined && { summary: conversion.payload(summary) },
      ...details !== undefined && { details: conversion.payload(details) },
    },
  };
}
