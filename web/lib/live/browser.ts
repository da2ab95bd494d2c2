// The parts of a live connection that a browser has.

import { readCars } from '../api/client.ts';
import { LiveCars, type Stream, type View } from './connection.ts';

/** A page that nobody sees gives its connection back: a browser has six for one site. */
const REST_AFTER_S = 30;

function openStream(): Stream {
  const source = new EventSource('/api/cars/live');
  const stream: Stream = {
    onopen: null,
    onerror: null,
    onevent: null,
    close: () => source.close(),
  };
  source.onopen = () => stream.onopen?.();
  source.onerror = () => {
    // The browser's own retry has no visible pace; ours has.
    source.close();
    stream.onerror?.();
  };
  for (const kind of ['car', 'tick'] as const) {
    source.addEventListener(kind, (event: MessageEvent<string>) =>
      stream.onevent?.(kind, event.data),
    );
  }
  return stream;
}

/** Follow the cars until the answer is called; it also tries again at once on request. */
export function followCars(
  changed: (view: View) => void,
  signedOut: () => void,
): { tryNow: () => void; stop: () => void } {
  const live = new LiveCars({
    open: openStream,
    load: readCars,
    now_ms: () => Date.now(),
    after: (delay_ms, call) => {
      const timer = setTimeout(call, delay_ms);
      return () => clearTimeout(timer);
    },
    changed,
    signedOut,
  });
  const tryNow = () => live.connect();
  let resting: ReturnType<typeof setTimeout> | undefined;
  let isResting = false;
  const rest = () => {
    clearTimeout(resting);
    if (document.hidden) {
      resting = setTimeout(() => {
        isResting = true;
        live.close();
      }, REST_AFTER_S * 1_000);
    } else if (isResting) {
      isResting = false;
      live.connect();
    }
  };
  addEventListener('online', tryNow);
  document.addEventListener('visibilitychange', rest);
  live.connect();
  return {
    tryNow,
    stop: () => {
      clearTimeout(resting);
      removeEventListener('online', tryNow);
      document.removeEventListener('visibilitychange', rest);
      live.close();
    },
  };
}
