import { beforeEach, describe, expect, it } from 'vitest';
import type { Car } from '../api/client.ts';
import { ProblemError, problemOfAnswer, problemOfSilence } from '../api/problem.ts';
import {
  LiveItems,
  type Loaded,
  NOTHING_YET,
  type Parts,
  type Stream,
  type View,
} from './connection.ts';

const SERVER_AHEAD_MS = 90_000;

function car(car_id: string, boot_count = 1): Car {
  return {
    car_id,
    online: true,
    last_hello_at: '2026-11-23T10:00:00Z',
    boot_count,
    software_version: '0.1.0',
    state: null,
  };
}

/** A cell, a clock and a browser that the test moves by hand. */
class Stage implements Parts<Car> {
  time_ms = 1_000_000;
  view: View<Car> = NOTHING_YET;
  streams: (Stream & { isClosed: boolean })[] = [];
  isSignedOut = false;
  answer: () => Promise<Loaded<Car>> = async () => this.cars([car('car_a')]);
  #waiting: { at_ms: number; call: () => void }[] = [];

  cars(items: Car[]): Loaded<Car> {
    return { items, now: this.cellTime(), window_s: 30 };
  }

  keyOf(item: Car): string {
    return item.car_id;
  }

  cellTime(): string {
    return new Date(this.time_ms + SERVER_AHEAD_MS).toISOString();
  }

  open(): Stream {
    const stream = {
      onopen: null,
      onerror: null,
      onevent: null,
      isClosed: false,
      close() {
        stream.isClosed = true;
      },
    };
    this.streams.push(stream);
    return stream;
  }

  load(): Promise<Loaded<Car>> {
    return this.answer();
  }

  now_ms(): number {
    return this.time_ms;
  }

  after(delay_ms: number, call: () => void): () => void {
    const wait = { at_ms: this.time_ms + delay_ms, call };
    this.#waiting.push(wait);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== wait);
    };
  }

  changed(view: View<Car>): void {
    this.view = view;
  }

  signedOut(): void {
    this.isSignedOut = true;
  }

  get stream(): Stream & { isClosed: boolean } {
    const last = this.streams.at(-1);
    if (!last) throw new Error('No stream was opened.');
    return last;
  }

  pass(seconds: number): void {
    const until_ms = this.time_ms + seconds * 1_000;
    for (;;) {
      const next = this.#waiting
        .filter((wait) => wait.at_ms <= until_ms)
        .sort((a, b) => a.at_ms - b.at_ms)[0];
      if (!next) break;
      this.#waiting = this.#waiting.filter((wait) => wait !== next);
      this.time_ms = next.at_ms;
      next.call();
    }
    this.time_ms = until_ms;
  }

  tick(): void {
    this.stream.onevent?.('tick', JSON.stringify({ now: this.cellTime() }));
  }

  async openStream(): Promise<void> {
    this.stream.onopen?.();
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

let stage: Stage;
let live: LiveItems<Car>;

beforeEach(() => {
  stage = new Stage();
  live = new LiveItems(stage);
  live.connect();
});

describe('a live connection', () => {
  it('is connecting until the whole answer is there', async () => {
    expect(stage.view).toMatchObject({ phase: 'connecting', items: null });
    await stage.openStream();
    expect(stage.view.phase).toBe('live');
    expect([...(stage.view.items?.keys() ?? [])]).toEqual(['car_a']);
  });

  it('keeps the clock of the cell', async () => {
    await stage.openStream();
    stage.pass(5);
    stage.tick();
    expect(stage.view.clockDifference_ms).toBe(SERVER_AHEAD_MS);
  });

  it('shows a car that speaks, known or new', async () => {
    await stage.openStream();
    stage.stream.onevent?.('item', JSON.stringify(car('car_b')));
    stage.stream.onevent?.('item', JSON.stringify(car('car_a', 7)));
    expect(stage.view.items?.size).toBe(2);
    expect(stage.view.items?.get('car_a')?.boot_count).toBe(7);
  });

  it('keeps what the stream says while the answer is on its way', async () => {
    stage.stream.onevent?.('item', JSON.stringify(car('car_a', 7)));
    await stage.openStream();
    expect(stage.view.items?.get('car_a')?.boot_count).toBe(7);
  });

  it('is lost at twelve seconds of silence, and not before', async () => {
    await stage.openStream();
    stage.pass(8);
    stage.tick();
    stage.pass(11);
    expect(stage.view.phase).toBe('live');
    stage.pass(1);
    expect(stage.view.phase).toBe('lost');
    expect(stage.stream.isClosed).toBe(true);
    expect(stage.view.items?.size).toBe(1);
    expect(stage.time_ms - (stage.view.heardAt_ms ?? 0)).toBe(12_000);
  });

  it('is lost at once when the stream breaks, and comes back', async () => {
    await stage.openStream();
    stage.stream.onerror?.();
    expect(stage.view.phase).toBe('lost');
    stage.pass(1);
    await stage.openStream();
    expect(stage.view).toMatchObject({ phase: 'live', retryAt_ms: null, problem: null });
  });

  it('is tried again more and more slowly, and quickly again after a success', async () => {
    stage.answer = () =>
      Promise.reject(new ProblemError(problemOfSilence('cell_unreachable', false)));
    const waits = [];
    for (let attempt = 0; attempt < 7; attempt += 1) {
      stage.stream.onerror?.();
      await settle();
      expect(stage.view.problem?.code).toBe('cell_unreachable');
      const wait_s = ((stage.view.retryAt_ms ?? 0) - stage.time_ms) / 1_000;
      waits.push(wait_s);
      stage.pass(wait_s);
    }
    expect(waits).toEqual([1, 2, 4, 8, 15, 15, 15]);
    stage.answer = async () => stage.cars([]);
    await stage.openStream();
    stage.stream.onerror?.();
    expect((stage.view.retryAt_ms ?? 0) - stage.time_ms).toBe(1_000);
  });

  it('can be tried at once, with one stream only', async () => {
    await stage.openStream();
    stage.stream.onerror?.();
    live.connect();
    await stage.openStream();
    stage.pass(2);
    expect(stage.streams).toHaveLength(2);
    expect(stage.view).toMatchObject({ phase: 'live', retryAt_ms: null });
  });

  it('ends without another try when the session is over', async () => {
    stage.answer = () =>
      Promise.reject(new ProblemError(problemOfAnswer(401, { code: 'not_signed_in' }, false)));
    stage.stream.onerror?.();
    await settle();
    stage.pass(60);
    expect(stage.isSignedOut).toBe(true);
    expect(stage.streams).toHaveLength(1);
  });

  it('does nothing more once it is closed', async () => {
    await stage.openStream();
    live.close();
    stage.pass(60);
    expect(stage.streams).toHaveLength(1);
    expect(stage.stream.isClosed).toBe(true);
  });
});
