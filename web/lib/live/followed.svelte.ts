// What a page follows for as long as it is shown.

import { sessionIsOver } from '../session.svelte.ts';
import { here_ms } from '../time/clock.svelte.ts';
import { follow, type Source } from './browser.ts';
import { NOTHING_YET, type View } from './connection.ts';

/** A source that is followed: what is known of it now, and the way to ask again at once. */
export interface Followed<Item> {
  readonly view: View<Item>;
  readonly isLive: boolean;
  /** The cell's time now. */
  readonly now_ms: number;
  tryNow(): void;
}

/** Follow a source until the component that calls this goes. */
export function followed<Item>(source: () => Source<Item>): Followed<Item> {
  let view = $state.raw<View<Item>>(NOTHING_YET);
  let tryNow = () => {};
  $effect(() => {
    const following = follow(
      source(),
      (next) => {
        view = next;
      },
      sessionIsOver,
    );
    tryNow = following.tryNow;
    return following.stop;
  });
  return {
    get view() {
      return view;
    },
    get isLive() {
      return view.phase === 'live';
    },
    get now_ms() {
      return here_ms() + view.clockDifference_ms;
    },
    tryNow: () => tryNow(),
  };
}
