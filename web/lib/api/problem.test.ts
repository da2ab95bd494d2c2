import { describe, expect, it } from 'vitest';
import { ProblemError, problemOf, problemOfAnswer, problemOfSilence, wordsOf } from './problem.ts';

describe('a problem', () => {
  it('keeps what the cell says of it', () => {
    const body = {
      code: 'records_outcome_unknown',
      may_have_happened: true,
      temporary: true,
      hint: 'Read the present state.',
      trace_id: 'trace_0',
    };
    expect(problemOfAnswer(503, body, true)).toEqual({
      code: 'records_outcome_unknown',
      status: 503,
      mayHaveHappened: true,
      temporary: true,
      hint: 'Read the present state.',
      traceId: 'trace_0',
    });
  });

  it.each([
    ['a change, failed by the server', 502, true, true],
    ['a change, refused', 400, true, false],
    ['a question, failed by the server', 502, false, false],
  ] as const)('without a body, of %s, is judged with care', (_what, status, changes, may) => {
    expect(problemOfAnswer(status, '<html>', changes).mayHaveHappened).toBe(may);
  });

  it('of a change that was never answered may have happened', () => {
    expect(problemOfSilence('cell_unreachable', true).mayHaveHappened).toBe(true);
    expect(problemOfSilence('deadline_passed', false).mayHaveHappened).toBe(false);
  });

  it('is found in what was thrown', () => {
    const problem = problemOfSilence('cell_unreachable', false);
    expect(problemOf(new ProblemError(problem))).toBe(problem);
    expect(problemOf('anything').code).toBe('unknown');
  });

  it.each(['constructor', 'toString', 'unknown', 'never_heard_of'])(
    'of the code %s has the general words',
    (code) => {
      expect(wordsOf(code)).toMatchObject({ what: 'error.unknown', known: false });
    },
  );

  it('of a known code has its own words', () => {
    expect(wordsOf('disk_full')).toEqual({
      what: 'error.disk_full',
      hint: 'error.disk_full.hint',
      known: true,
    });
  });
});
