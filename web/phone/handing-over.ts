// How far the taking over of a car is, and when it is asked again. Pure.
//
// Rules: while the maker has not answered, it is asked again by itself; a failure that passes meanwhile
// ends nothing, is said, and is tried again after pauses that grow; what is refused ends it.

import type { Problem } from '../lib/api/problem.ts';
import { retryAfter_s } from '../lib/live/connection.ts';

export const ASK_AGAIN_S = 2;

export interface HandingOver {
  readonly step: 'ready' | 'asking' | 'waiting' | 'done' | 'untrue';
  /** Why the last try failed. */
  readonly problem: Problem | null;
  /** How many tries have failed since the maker was last heard. */
  readonly failures: number;
  /** When the maker was last heard; null before the first answer. */
  readonly heardAt_ms: number | null;
  /** When it is asked again by itself; null while it is asked, and when it is not. */
  readonly retryAt_ms: number | null;
}

export const NOT_BEGUN: HandingOver = {
  step: 'ready',
  problem: null,
  failures: 0,
  heardAt_ms: null,
  retryAt_ms: null,
};

/** It is asked now: a person pressed, or the time has come. */
export function asking(before: HandingOver): HandingOver {
  if (before.step === 'waiting') return { ...before, retryAt_ms: null };
  return { ...NOT_BEGUN, step: 'asking' };
}

/** The maker answered: with the car, or that it has not decided yet. */
export function answered(answer: 'granted' | 'undecided', now_ms: number): HandingOver {
  if (answer === 'granted') return { ...NOT_BEGUN, step: 'done' };
  const retryAt_ms = now_ms + ASK_AGAIN_S * 1_000;
  return { ...NOT_BEGUN, step: 'waiting', heardAt_ms: now_ms, retryAt_ms };
}

/** The try failed. */
export function failed(before: HandingOver, problem: Problem, now_ms: number): HandingOver {
  if (before.step !== 'waiting' || !problem.temporary) return { ...NOT_BEGUN, problem };
  return {
    ...before,
    problem,
    failures: before.failures + 1,
    retryAt_ms: now_ms + retryAfter_s(before.failures) * 1_000,
  };
}

/** The answer does not hold. */
export const UNTRUE: HandingOver = { ...NOT_BEGUN, step: 'untrue' };
