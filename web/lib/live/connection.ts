// A live connection that says plainly whether it is one.
//
// Rules:
// - every 5 s the cell sends a tick; when nothing was heard for 12 s the connection is lost, at
//   once and visibly, whatever the browser believes;
// - a lost connection is tried again after 1, 2, 4, 8 and then every 15 s, for as long as the page
//   is open; a browser that comes online again, or a press of the button, tries at once;
// - at every connect the whole answer is read after the stream is open, so that nothing falls
//   between; what the stream says meanwhile is newer and wins.
//
// Time, waiting and the stream come in as parts, so that tests step them.

import type { Tick } from '../api/client.ts';
import { type Problem, problemOf } from '../api/problem.ts';

export const TICK_SILENCE_S = 12;
const RETRY_AFTER_S = [1, 2, 4, 8, 15] as const;
export const WINDOW_S_DEFAULT = 30;

/** How long to wait for the next try after so many have failed before this one. */
export function retryAfter_s(failures: number): number {
  return RETRY_AFTER_S[Math.min(failures, RETRY_AFTER_S.length - 1)] ?? 15;
}

/** The stream: the browser's EventSource, as far as we use it. */
export interface Stream {
  onopen: (() => void) | null;
  onerror: (() => void) | null;
  onevent: ((kind: 'item' | 'tick', data: string) => void) | null;
  close(): void;
}

/** The whole answer to the plain question: every item, now. */
export interface Loaded<Item> {
  readonly items: readonly Item[];
  /** By the cell's clock; none where only the tick says it. */
  readonly now?: string;
  /** How long something counts as there after it was heard; none where nothing is judged so. */
  readonly window_s?: number;
}

export interface Parts<Item> {
  open(): Stream;
  load(): Promise<Loaded<Item>>;
  /** The name by which an item replaces the one before it. */
  keyOf(item: Item): string;
  now_ms(): number;
  /** Call once after a while; the answer cancels it. */
  after(delay_ms: number, call: () => void): () => void;
  changed(view: View<Item>): void;
  signedOut(): void;
}

/** What a page shows. */
export interface View<Item> {
  readonly phase: 'connecting' | 'live' | 'lost';
  /** Null until the first answer has come. */
  readonly items: ReadonlyMap<string, Item> | null;
  readonly window_s: number;
  /** Add to the browser's clock to get the cell's. */
  readonly clockDifference_ms: number;
  /** When the cell was last heard, by the browser's clock. */
  readonly heardAt_ms: number | null;
  /** When the next try comes, by the browser's clock; null while one is under way. */
  readonly retryAt_ms: number | null;
  readonly problem: Problem | null;
}

export const NOTHING_YET: View<never> = {
  phase: 'connecting',
  items: null,
  window_s: WINDOW_S_DEFAULT,
  clockDifference_ms: 0,
  heardAt_ms: null,
  retryAt_ms: null,
  problem: null,
};

export class LiveItems<Item> {
  #parts: Parts<Item>;
  #view: View<Item> = NOTHING_YET;
  #stream: Stream | null = null;
  #heardMeanwhile = new Map<string, Item>();
  #isAnswered = false;
  #failures = 0;
  #cancelWatch = () => {};
  #cancelRetry = () => {};

  constructor(parts: Parts<Item>) {
    this.#parts = parts;
  }

  /** Connect, or try again at once. */
  connect(): void {
    this.#release();
    this.#heardMeanwhile = new Map();
    this.#isAnswered = false;
    this.#show({ retryAt_ms: null });
    const stream = this.#parts.open();
    this.#stream = stream;
    stream.onopen = () => void this.#load(stream);
    stream.onerror = () => void this.#fail(stream);
    stream.onevent = (kind, data) => this.#hear(kind, data);
    this.#watch(stream);
  }

  /** Let go of everything. */
  close(): void {
    this.#release();
  }

  async #load(stream: Stream): Promise<void> {
    try {
      const answer = await this.#parts.load();
      if (this.#stream !== stream) return;
      this.#isAnswered = true;
      this.#failures = 0;
      this.#show({
        phase: 'live',
        items: this.#merged(answer.items),
        window_s: answer.window_s ?? WINDOW_S_DEFAULT,
        problem: null,
        ...(answer.now === undefined
          ? { heardAt_ms: this.#parts.now_ms() }
          : this.#clock(answer.now)),
      });
      this.#watch(stream);
    } catch (thrown) {
      if (this.#stream === stream) this.#lose(problemOf(thrown));
    }
  }

  /** The stream broke. A plain question tells why, which a stream cannot. */
  async #fail(stream: Stream): Promise<void> {
    if (this.#stream !== stream) return;
    if (this.#isAnswered) {
      this.#lose(null);
      return;
    }
    stream.close();
    try {
      await this.#parts.load();
      if (this.#stream === stream) this.#lose(null);
    } catch (thrown) {
      if (this.#stream === stream) this.#lose(problemOf(thrown));
    }
  }

  #hear(kind: 'item' | 'tick', data: string): void {
    const stream = this.#stream;
    if (!stream) return;
    if (kind === 'tick') {
      this.#show(this.#clock((JSON.parse(data) as Tick).now));
    } else {
      const item = JSON.parse(data) as Item;
      const key = this.#parts.keyOf(item);
      if (!this.#isAnswered) this.#heardMeanwhile.set(key, item);
      const items = this.#view.items && new Map(this.#view.items).set(key, item);
      this.#show({ items, heardAt_ms: this.#parts.now_ms() });
    }
    this.#watch(stream);
  }

  /** The items of an answer, with those that were heard of meanwhile left as they are. */
  #merged(answer: readonly Item[]): Map<string, Item> {
    const merged = new Map(answer.map((item) => [this.#parts.keyOf(item), item]));
    for (const [key, item] of this.#heardMeanwhile) merged.set(key, item);
    return merged;
  }

  #lose(problem: Problem | null): void {
    this.#release();
    if (problem?.status === 401) {
      this.#parts.signedOut();
      return;
    }
    const wait_s = retryAfter_s(this.#failures);
    this.#failures += 1;
    this.#show({ phase: 'lost', problem, retryAt_ms: this.#parts.now_ms() + wait_s * 1_000 });
    this.#cancelRetry = this.#parts.after(wait_s * 1_000, () => this.connect());
  }

  #watch(stream: Stream): void {
    this.#cancelWatch();
    this.#cancelWatch = this.#parts.after(TICK_SILENCE_S * 1_000, () => {
      if (this.#stream === stream) this.#lose(null);
    });
  }

  #release(): void {
    this.#cancelWatch();
    this.#cancelRetry();
    this.#stream?.close();
    this.#stream = null;
  }

  #clock(now: string): Pick<View<Item>, 'clockDifference_ms' | 'heardAt_ms'> {
    const here_ms = this.#parts.now_ms();
    return { clockDifference_ms: Date.parse(now) - here_ms, heardAt_ms: here_ms };
  }

  #show(change: Partial<View<Item>>): void {
    this.#view = { ...this.#view, ...change };
    this.#parts.changed(this.#view);
  }
}
