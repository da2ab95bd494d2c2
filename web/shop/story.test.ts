import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Order, OrderStory } from '../lib/api/client.ts';
import { paymentStands, priceOf, stepsOf, weekBefore_us } from './story.ts';

const ORDERS = readFileSync(new URL('../../docs/protocol/orders.md', import.meta.url), 'utf8');
const QUOTE = (/^```\n(eyJ[\s\S]*?)```/m.exec(ORDERS)?.[1] ?? '').replaceAll('\n', '');

type Change = OrderStory['changes'][number];

function change(kind: string, detail: Change['detail'] = {}): Change {
  return { number: 1, kind, state: 'placed', at: '', detail };
}

function story(
  can_be_paid: boolean,
  changes: readonly Change[],
  payments: readonly string[],
): OrderStory {
  return {
    order: { can_be_paid } as Order,
    changes: [...changes],
    payments: payments.map((state) => ({
      payment_id: '',
      state,
      amount_minor: 1,
      currency: 'EUR',
      asked_at: '',
    })),
    is_practice: true,
    quote: '',
    now: '',
  };
}

describe('the steps of an order', () => {
  const stands = (state: Order['state']) => stepsOf(state).map((one) => one.stands);

  it('show what is done, where it is, and what is ahead', () => {
    expect(stands('placed')).toEqual(['now', 'ahead', 'ahead', 'ahead', 'ahead']);
    expect(stands('payment_declined')).toEqual(stands('placed'));
    expect(stands('built')).toEqual(['done', 'done', 'done', 'now', 'ahead']);
    expect(stands('delivered')).toEqual(['done', 'done', 'done', 'done', 'done']);
  });

  it.each(['cancelled', 'expired'] as const)('claim nothing of an order that is %s', (state) => {
    expect(new Set(stands(state))).toEqual(new Set(['ahead']));
  });
});

describe('a payment', () => {
  it('is due, then declined, each said by the order itself', () => {
    expect(paymentStands(story(true, [change('placed')], []))).toBe('due');
    expect(paymentStands(story(true, [change('declined')], ['declined']))).toBe('declined');
  });

  it('of another amount is not called declined', () => {
    const found = story(true, [change('declined', { reason: 'amount_differs' })], ['refund_due']);
    expect(paymentStands(found)).toBe('other_amount');
  });

  it('that is not decided keeps every other one away, whatever came before it', () => {
    const found = story(true, [change('declined')], ['declined', 'asked']);
    expect(paymentStands(found)).toBe('open');
  });

  it('is settled when the order cannot be paid any more', () => {
    expect(paymentStands(story(false, [change('charged')], ['charged']))).toBe('settled');
  });
});

describe('a week', () => {
  it('has moved when the change names two', () => {
    expect(weekBefore_us(change('charged', { week_before_us: 1, week_us: 2 }))).toBe(1);
    expect(weekBefore_us(change('placed', { quoted_week_us: 1, week_us: 2 }))).toBe(1);
  });

  it('has not moved when they are the same, or none is named', () => {
    expect(weekBefore_us(change('placed', { quoted_week_us: 2, week_us: 2 }))).toBeNull();
    expect(weekBefore_us(change('built'))).toBeNull();
  });
});

describe('the price in a quote', () => {
  const order = { total_minor: 5_740_560, currency: 'EUR' } as Order;

  it('is read out of the document, line by line', () => {
    const price = priceOf(QUOTE, order);
    expect(price).toMatchObject({ net_minor: 4_824_000, tax_minor: 916_560, currency: 'EUR' });
    expect(price?.lines.map(({ key }) => key)).toContain('tow-bar');
  });

  it('is not shown when it does not add up to what is charged', () => {
    expect(priceOf(QUOTE, { ...order, total_minor: 1 })).toBeNull();
  });

  it.each(['', 'a.b.c', 'a.e30.c', 'a.bnVsbA.c'])('cannot be read out of %j', (quote) => {
    expect(priceOf(quote, order)).toBeNull();
  });
});
