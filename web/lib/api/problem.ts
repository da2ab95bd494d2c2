// What went wrong, as a page can show it. The cell answers with problem bodies (RFC 9457) that
// say three more things: the code, whether it may have happened, and whether to try again.

import type { MessageKey } from '../messages/catalogue.ts';
import { en } from '../messages/en.ts';

type ErrorKey = MessageKey & `error.${string}`;

export interface Problem {
  readonly code: string;
  readonly status: number;
  /** Could the effect have taken place although this came back? */
  readonly mayHaveHappened: boolean;
  /** May the very same request succeed later, unchanged? */
  readonly temporary: boolean;
  /** The cell's own advice, in English; empty when the page knows better words. */
  readonly hint: string;
  readonly traceId: string;
}

/** Thrown by every call of the client that did not succeed. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.code);
    this.name = 'ProblemError';
    this.problem = problem;
  }
}

/** The problem of an answer that is not a success. `body` is whatever JSON came, or nothing. */
export function problemOfAnswer(status: number, body: unknown, changes: boolean): Problem {
  const found: Readonly<Record<string, unknown>> =
    typeof body === 'object' && body !== null ? { ...body } : {};
  const server_failed = status >= 500;
  return {
    code: typeof found.code === 'string' ? found.code : 'unknown',
    status,
    // Without a word from the cell, a change that failed on its side may have happened.
    mayHaveHappened:
      typeof found.may_have_happened === 'boolean'
        ? found.may_have_happened
        : changes && server_failed,
    temporary: typeof found.temporary === 'boolean' ? found.temporary : server_failed,
    hint: typeof found.hint === 'string' ? found.hint : '',
    traceId: typeof found.trace_id === 'string' ? found.trace_id : '',
  };
}

/** The problem when no answer came: nobody there, or not in time. */
export function problemOfSilence(
  code: 'cell_unreachable' | 'deadline_passed',
  changes: boolean,
): Problem {
  return { code, status: 0, mayHaveHappened: changes, temporary: true, hint: '', traceId: '' };
}

/** The problem in anything that was thrown; a stranger is a defect of this page. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof ProblemError) return thrown.problem;
  return {
    code: 'unknown',
    status: 0,
    mayHaveHappened: true,
    temporary: false,
    hint: thrown instanceof Error ? thrown.message : '',
    traceId: '',
  };
}

/** The keys of the two sentences for a code; `known` is false when only the cell has words. */
export function wordsOf(code: string): { what: ErrorKey; hint: ErrorKey; known: boolean } {
  const what = `error.${code}`;
  const hint = `error.${code}.hint`;
  if (isKey(what) && isKey(hint)) return { what, hint, known: code !== 'unknown' };
  return { what: 'error.unknown', hint: 'error.unknown.hint', known: false };
}

function isKey(name: string): name is ErrorKey {
  return Object.hasOwn(en, name);
}
