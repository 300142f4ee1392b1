/**
 * What operations of a worker ask services, and the answers, each packed as one buffer.
 * @module
 */
import { pack, packFlat, unpack, unpackFlat } from "../vm/codec.ts";
import { WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";

/** Name of the request by which a worker sends packed questions. */
export const QUESTIONS_REQUEST = "services.questions";

/** A question with its number, or only the number of one that is called off. */
export type QuestionItem =
  | [call: number]
  | [call: number, service: string, operation: string, input: LuaValue, pid: string];

/** The number of a question, and the answer or the error. */
export type AnswerItem = [call: number, value: LuaValue] | [
  call: number,
  none: undefined,
  WippyError,
];

/** Bytes are packed as they are, other values for the codec, errors apart. */
const [VALUE, BYTES, FAILURE] = [0, 1, 2] as const;
type Form = typeof VALUE | typeof BYTES | typeof FAILURE;

const bytesOf = (value: LuaValue): [Form, Uint8Array] =>
  value instanceof Uint8Array ? [BYTES, value] : [VALUE, pack(value)];
const valueOf = (form: Form, bytes: Uint8Array): LuaValue => form === BYTES ? bytes : unpack(bytes);

type PackedQuestion =
  | [call: number]
  | [call: number, service: string, operation: string, pid: string, Form, Uint8Array];

/** Packs questions. */
export function packQuestions(items: readonly QuestionItem[]): Uint8Array {
  return packFlat(items.map((item): PackedQuestion => {
    if (item.length === 1) return item;
    const [call, service, operation, input, pid] = item;
    return [call, service, operation, pid, ...bytesOf(input)];
  }));
}

/** The questions that {@link packQuestions} packed. An input of bytes is a part of the buffer. */
export function unpackQuestions(packed: Uint8Array): QuestionItem[] {
  return (unpackFlat(packed) as PackedQuestion[]).map((item): QuestionItem => {
    if (item.length === 1) return item;
    const [call, service, operation, pid, form, bytes] = item;
    return [call, service, operation, valueOf(form, bytes), pid];
  });
}

type PackedAnswer = [call: number, Form, Uint8Array];

/** Packs answers. */
export function packAnswers(items: readonly AnswerItem[]): Uint8Array {
  return packFlat(
    items.map(([call, value, error]): PackedAnswer =>
      error ? [call, FAILURE, pack(error)] : [call, ...bytesOf(value)]
    ),
  );
}

/** The answers that {@link packAnswers} packed. A value of bytes is a part of the buffer. */
export function unpackAnswers(packed: Uint8Array): AnswerItem[] {
  return (unpackFlat(packed) as PackedAnswer[]).map(([call, form, bytes]): AnswerItem => {
    if (form !== FAILURE) return [call, valueOf(form, bytes)];
    return [call, undefined, WippyError.from(unpack(bytes))];
  });
}
