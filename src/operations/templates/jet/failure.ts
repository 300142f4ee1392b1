/** A mistake in a template, or a failure while it is rendered. */
export class TemplateError extends Error {
  /** The message without its place. */
  readonly reason: string;

  constructor(template: string, line: number, reason: string) {
    super(`template ${template}:${line}: ${reason}`);
    this.reason = reason;
  }
}

/** A failure of a function or an operator, which does not know where it stands. */
export class Refusal extends Error {}

/** Ends the rendering whatever is around it: `try` does not catch it. */
export class LimitError extends Error {}

/** Characters of a text, and of all output together, at most. */
export const longestText = 1 << 24;
