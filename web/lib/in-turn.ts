// One work at a time, where only the last wish counts. Pure.
//
// Rules: while one goes on, the last wish waits, and takes the place of the one that waited; who wished
// for that one hears what became of the last. A work that failed holds up no wish after it.
//
// Left out on purpose: a work that was given up while the other side went on with it; nobody here can
// know when that is over.

/** The same work, done in turn. */
export function inTurn<Wish>(work: (wish: Wish) => Promise<void>): (wish: Wish) => Promise<void> {
  let now: Promise<void> | null = null;
  let next: { wish: Wish; outcome: Promise<void> } | null = null;

  async function begin(wish: Wish): Promise<void> {
    try {
      await work(wish);
    } finally {
      if (next === null) now = null;
    }
  }

  return (wish) => {
    if (next !== null) {
      next.wish = wish;
      return next.outcome;
    }
    if (now === null) {
      now = begin(wish);
      return now;
    }
    const waiting = { wish, outcome: Promise.resolve() };
    const goOn = () => {
      next = null;
      return begin(waiting.wish);
    };
    waiting.outcome = now = now.then(goOn, goOn);
    next = waiting;
    return waiting.outcome;
  };
}
