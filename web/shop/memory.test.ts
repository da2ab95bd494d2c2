import { describe, expect, it } from 'vitest';
import type { Quote } from '../lib/api/client.ts';
import { Memory, type Storage } from './memory.ts';

const QUOTE = { quote: 'a.b.c', quote_id: 'quote_1' } as Quote;
const INTENTION = { car: '?market=DE', quote: QUOTE, key: 'intention_1', isSent: false };

function storage(): Storage {
  const kept = new Map<string, string>();
  return {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value),
    removeItem: (name) => void kept.delete(name),
  };
}

function forbidden(): never {
  throw new DOMException('forbidden', 'SecurityError');
}

const shared = storage();

describe.each([
  ['a browser with storage', new Memory(() => shared)],
  ['a browser that forbids it', new Memory(forbidden)],
])('the memory of %s', (_, memory) => {
  it('keeps an order with its key until it is forgotten', () => {
    expect(memory.order()).toBeNull();
    memory.keepOrder({ ...INTENTION, isSent: true });
    expect(memory.order()).toEqual({ ...INTENTION, isSent: true });
    memory.forgetOrder();
    expect(memory.order()).toBeNull();
  });

  it('keeps the payment of each order apart', () => {
    memory.keepPayment('order_1', { token: 'practice-ok', key: 'payment_1' });
    expect(memory.payment('order_1')).toEqual({ token: 'practice-ok', key: 'payment_1' });
    expect(memory.payment('order_2')).toBeNull();
    memory.forgetPayment('order_1');
    expect(memory.payment('order_1')).toBeNull();
  });

  it('keeps the car', () => {
    memory.keepCar('?market=DE&choice=tow-bar');
    expect(memory.car()).toBe('?market=DE&choice=tow-bar');
  });
});

describe('what cannot be read', () => {
  it.each([
    '',
    'null',
    '{',
    '[]',
    '7',
    '{"car":"?","key":"k"}',
    '{"car":"?","key":"k","quote":{}}',
  ])('counts as nothing: %j', (text) => {
    const kept = storage();
    kept.setItem('shop.order', text);
    kept.setItem('shop.pay.order_1', text);
    const memory = new Memory(() => kept);
    expect(memory.order()).toBeNull();
    expect(memory.payment('order_1')).toBeNull();
  });
});
