import { describe, expect, it } from 'vitest';
import { refusal } from './refusal.ts';

describe('a refused hand-over', () => {
  it('can be tried again later when there were only too many wrong codes', () => {
    expect(refusal('hand_over_tries_spent')).toMatchObject({ temporary: true });
  });

  it.each(['hand_over_proof_wrong', 'car_already_handed_over', null])(
    'stays refused: %s',
    (code) => {
      const problem = refusal(code);
      expect(problem.temporary).toBe(false);
      expect(problem.mayHaveHappened).toBe(false);
      expect(problem.code).toBe(code ?? 'unknown');
    },
  );
});
