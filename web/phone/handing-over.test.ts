import { describe, expect, it } from 'vitest';
import { problemOfAnswer, problemOfSilence } from '../lib/api/problem.ts';
import { ASK_AGAIN_S, answered, asking, failed, NOT_BEGUN } from './handing-over.ts';

const SILENCE = problemOfSilence('cell_unreachable', true);
const REFUSAL = problemOfAnswer(403, { code: 'hand_over_proof_wrong' }, true);
const NOW_MS = 1_800_000_000_000;
const WAITING = answered('undecided', NOW_MS);

describe('taking over a car', () => {
  it('asks again while the maker has not decided', () => {
    expect(asking(NOT_BEGUN).step).toBe('asking');
    expect(WAITING).toMatchObject({ step: 'waiting', retryAt_ms: NOW_MS + ASK_AGAIN_S * 1_000 });
    expect(asking(WAITING)).toMatchObject({ step: 'waiting', retryAt_ms: null });
    expect(answered('granted', NOW_MS)).toMatchObject({ step: 'done', retryAt_ms: null });
  });

  it('goes on waiting through failures that pass, ever more slowly', () => {
    let now = WAITING;
    const waits_s: number[] = [];
    for (let turn = 0; turn < 6; turn += 1) {
      now = failed(asking(now), SILENCE, NOW_MS);
      waits_s.push(((now.retryAt_ms ?? 0) - NOW_MS) / 1_000);
    }
    expect(now).toMatchObject({ step: 'waiting', problem: SILENCE, heardAt_ms: NOW_MS });
    expect(waits_s).toEqual([1, 2, 4, 8, 15, 15]);
    expect(asking(now).problem).toBe(SILENCE); // until an answer has come, it is lost
  });

  it('has forgotten the failures once the maker is heard again', () => {
    const lost = failed(asking(WAITING), SILENCE, NOW_MS);
    expect(answered('undecided', NOW_MS)).toEqual(WAITING);
    expect(lost).not.toEqual(WAITING);
  });

  it('ends when it is refused, and leaves a first try that failed to the person', () => {
    const refused = failed(asking(WAITING), REFUSAL, NOW_MS);
    expect(refused).toMatchObject({ step: 'ready', problem: REFUSAL, retryAt_ms: null });
    const first = failed(asking(NOT_BEGUN), SILENCE, NOW_MS);
    expect(first).toMatchObject({ step: 'ready', problem: SILENCE, retryAt_ms: null });
  });
});
