// The time of this browser, for what a page counts: ages, and waits. It moves once a second, and only
// while something that is shown has asked for it.

import { createSubscriber } from 'svelte/reactivity';

const SECOND_MS = 1_000;

const counted = createSubscriber((moved) => {
  const second = setInterval(moved, SECOND_MS);
  return () => clearInterval(second);
});

/** The time now; what depends on it is worked out again every second. */
export function here_ms(): number {
  counted();
  return Date.now();
}
