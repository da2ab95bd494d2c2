// What the shop remembers in this browser, so that a reload, a second tab or a double click neither
// loses a car nor orders or pays twice.
//
// Rules: an intention is written down with its key before it is sent, and forgotten only when an
// answer settled it; what cannot be read counts as nothing; a browser without storage still works,
// and then the key lives as long as the page.

import type { Quote } from '../lib/api/client.ts';

/** The part of the browser's storage that is used. */
export type Storage = Pick<globalThis.Storage, 'getItem' | 'setItem' | 'removeItem'>;

export interface OrderIntention {
  /** The address of the car it is about. */
  readonly car: string;
  readonly quote: Quote;
  readonly key: string;
  /** It was sent, and no answer has settled it. */
  readonly isSent: boolean;
}

export interface PayIntention {
  readonly token: string;
  readonly key: string;
}

const CAR = 'shop.car';
const ORDER = 'shop.order';
const PAY = 'shop.pay.';

export class Memory {
  #storage: () => Storage;
  #here = new Map<string, string>();

  /** `storage` may throw: a browser may forbid it. */
  constructor(storage: () => Storage) {
    this.#storage = storage;
  }

  /** The query of the car that was configured last, or null. */
  car(): string | null {
    return this.#read(CAR);
  }

  keepCar(query: string): void {
    this.#write(CAR, query);
  }

  /** The order that is about to be placed, or under way. */
  order(): OrderIntention | null {
    const found = this.#object(ORDER);
    if (found === null || typeof found.car !== 'string' || typeof found.key !== 'string')
      return null;
    const { quote } = found;
    if (typeof quote !== 'object' || quote === null || !('quote' in quote)) return null;
    return {
      car: found.car,
      quote: quote as Quote,
      key: found.key,
      isSent: found.isSent === true,
    };
  }

  keepOrder(intention: OrderIntention): void {
    this.#write(ORDER, JSON.stringify(intention));
  }

  forgetOrder(): void {
    this.#forget(ORDER);
  }

  /** The payment of an order that is under way. */
  payment(orderId: string): PayIntention | null {
    const found = this.#object(PAY + orderId);
    if (typeof found?.token !== 'string' || typeof found.key !== 'string') return null;
    return { token: found.token, key: found.key };
  }

  keepPayment(orderId: string, intention: PayIntention): void {
    this.#write(PAY + orderId, JSON.stringify(intention));
  }

  forgetPayment(orderId: string): void {
    this.#forget(PAY + orderId);
  }

  #object(name: string): Record<string, unknown> | null {
    try {
      const found: unknown = JSON.parse(this.#read(name) ?? 'null');
      return typeof found === 'object' && found !== null ? { ...found } : null;
    } catch {
      return null;
    }
  }

  #read(name: string): string | null {
    try {
      return this.#storage().getItem(name);
    } catch {
      return this.#here.get(name) ?? null;
    }
  }

  #write(name: string, value: string): void {
    try {
      this.#storage().setItem(name, value);
    } catch {
      this.#here.set(name, value);
    }
  }

  #forget(name: string): void {
    this.#here.delete(name);
    try {
      this.#storage().removeItem(name);
    } catch {
      // It was never there.
    }
  }
}

/** This browser's. */
export const memory = new Memory(() => localStorage);
