// What the maker's refusal of a hand-over means to the page: nothing happened, and whether the same
// link can help later.

import { type Problem, problemOfAnswer } from '../lib/api/problem.ts';

/** Refusals that pass by themselves; docs/protocol/errors.md calls them temporary. */
const PASSING: ReadonlySet<string> = new Set(['hand_over_tries_spent']);

/** The problem to show; code is the cell's word, and null when it has none. */
export function refusal(code: string | null): Problem {
  const found = { code: code ?? 'unknown', temporary: PASSING.has(code ?? '') };
  return { ...problemOfAnswer(403, found, true), mayHaveHappened: false };
}
