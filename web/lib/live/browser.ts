// The parts of a live connection that a browser has.

import { LiveItems, type Loaded, type Stream, type View } from './connection.ts';

/** A page that nobody sees gives its connections back: a browser has six for one site, and a page
    takes up to two. */
const REST_AFTER_S = 5;

/** What is followed: how it comes, how all of it is read, and what names an item. */
export interface Source<Item> {
  readonly from: FromStream | FromReading;
  load(): Promise<Loaded<Item>>;
  keyOf(item: Item): string;
}

/** It comes by server-sent events: where they are, and what one is called. */
export interface FromStream {
  readonly path: string;
  readonly event: string;
}

/** It is read again so often, and holds no connection open meanwhile. */
export interface FromReading {
  readonly every_s: number;
}

/** A connection that is followed. */
export interface Following {
  tryNow(): void;
  stop(): void;
}

function openStream({ path, event }: FromStream): Stream {
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

function openReading<Item>(every_s: number, load: () => Promise<Loaded<Item>>): Stream {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;
  const stream: Stream = {
    onopen: null,
    onerror: null,
    onevent: null,
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
  async function read() {
    try {
      const { items } = await load();
      if (isClosed) return;
      for (const item of items) stream.onevent?.('item', JSON.stringify(item));
      readLater();
    } catch {
      if (!isClosed) stream.onerror?.();
    }
  }
  const readLater = () => {
    timer = setTimeout(() => void read(), every_s * 1_000);
  };
  queueMicrotask(() => {
    stream.onopen?.();
    if (!isClosed) readLater();
  });
  return stream;
}

/** Follow a source until it is stopped; it also tries again at once on request. */
export function follow<Item>(
  source: Source<Item>,
  changed: (view: View<Item>) => void,
  signedOut: () => void,
): Following {
  const live = new LiveItems<Item>({
    open: () =>
      'path' in source.from
        ? openStream(source.from)
        : openReading(source.from.every_s, source.load),
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
