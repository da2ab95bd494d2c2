// The parts of a live connection that a browser has.

import { LiveItems, type Loaded, type Stream, type View } from './connection.ts';

/** A page that nobody sees gives its connections back: a browser has six for one site, and a page
    takes up to three. */
const REST_AFTER_S = 5;

/** What is followed: where it is, what its event is called, and what names an item. */
export interface Source<Item> {
  readonly path: string;
  readonly event: string;
  load(): Promise<Loaded<Item>>;
  keyOf(item: Item): string;
}

/** A connection that is followed. */
export interface Following {
  tryNow(): void;
  stop(): void;
}

function openStream(path: string, event: string): Stream {
  const source = new EventSource(path);
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
  source.addEventListener(event, (message: MessageEvent<string>) =>
    stream.onevent?.('item', message.data),
  );
  source.addEventListener('tick', (message: MessageEvent<string>) =>
    stream.onevent?.('tick', message.data),
  );
  return stream;
}

/** Follow a source until it is stopped; it also tries again at once on request. */
export function follow<Item>(
  source: Source<Item>,
  changed: (view: View<Item>) => void,
  signedOut: () => void,
): Following {
  const live = new LiveItems<Item>({
    open: () => openStream(source.path, source.event),
    load: source.load,
    keyOf: source.keyOf,
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
