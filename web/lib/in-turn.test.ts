import { describe, expect, it } from 'vitest';
import { inTurn } from './in-turn.ts';

interface Begun {
  wish: string;
  end: () => void;
  fail: (why: Error) => void;
}

function stand() {
  const begun: Begun[] = [];
  const wishFor = inTurn<string>(
    (wish) =>
      new Promise((end, fail) => {
        begun.push({ wish, end, fail });
      }),
  );
  return { wishFor, begun, wishes: () => begun.map(({ wish }) => wish) };
}

const settled = () => new Promise((done) => setTimeout(done, 0));

describe('work in turn', () => {
  it('begins at once when nothing goes on', async () => {
    const { wishFor, begun, wishes } = stand();
    for (const wish of ['a', 'b']) {
      const done = wishFor(wish);
      begun.at(-1)?.end();
      await done;
    }
    expect(wishes()).toEqual(['a', 'b']);
  });

  it('is done one at a time, and of what came meanwhile only the last', async () => {
    const { wishFor, begun, wishes } = stand();
    void wishFor('a');
    const told = [wishFor('b'), wishFor('c')];
    await settled();
    expect(wishes()).toEqual(['a']);
    begun[0]?.end();
    await settled();
    expect(wishes()).toEqual(['a', 'c']);
    void wishFor('d');
    await settled();
    expect(wishes()).toEqual(['a', 'c']);
    begun[1]?.end();
    await Promise.all(told);
    await settled();
    expect(wishes()).toEqual(['a', 'c', 'd']);
  });

  it('goes on after a failure, which only those hear who wished for it', async () => {
    const { wishFor, begun, wishes } = stand();
    const first = wishFor('a');
    const second = wishFor('b');
    begun[0]?.fail(new Error('no'));
    await expect(first).rejects.toThrow('no');
    await settled();
    expect(wishes()).toEqual(['a', 'b']);
    begun[1]?.fail(new Error('never'));
    await expect(second).rejects.toThrow('never');
    const third = wishFor('c');
    begun[2]?.end();
    await third;
  });
});
