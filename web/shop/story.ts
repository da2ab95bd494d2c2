// What a page makes of an order's story: how far it is, how its payment stands, what it cost. Pure.

import type { Order, OrderStory, Price } from '../lib/api/client.ts';

export type Change = OrderStory['changes'][number];
export type OrderState = Order['state'];

export const STEPS = ['placed', 'paid', 'scheduled', 'built', 'delivered'] as const;
export type Step = (typeof STEPS)[number];

/** The steps of an order, and how each stands. An order that ended has no present step. */
export function stepsOf(
  state: OrderState,
): readonly { step: Step; stands: 'done' | 'now' | 'ahead' }[] {
  const hasEnded = state === 'cancelled' || state === 'expired';
  const reached = STEPS.indexOf(state === 'payment_declined' ? 'placed' : (state as Step));
  return STEPS.map((step, place) => {
    if (hasEnded || reached < place) return { step, stands: 'ahead' };
    return { step, stands: reached === place && state !== 'delivered' ? 'now' : 'done' };
  });
}

/**
 * How the payment stands. `open`: one is not decided, so no other may be begun. `declined`: nothing
 * was charged. `other_amount`: another amount was charged, which goes back whole.
 */
export type PaymentStands = 'due' | 'open' | 'declined' | 'other_amount' | 'settled';

/** See PaymentStands. */
export function paymentStands(story: OrderStory): PaymentStands {
  if (story.payments.some(({ state }) => state === 'asked')) return 'open';
  if (!story.order.can_be_paid) return 'settled';
  const last = story.changes.findLast(({ kind }) => kind === 'declined' || kind === 'charged');
  if (last === undefined) return 'due';
  return last.detail.reason === 'amount_differs' ? 'other_amount' : 'declined';
}

/** The week before a change that moved it, in microseconds; null for every other change. */
export function weekBefore_us(change: Change): number | null {
  const before = change.detail.week_before_us ?? change.detail.quoted_week_us;
  const after = change.detail.week_us;
  if (typeof before !== 'number' || typeof after !== 'number' || before === after) return null;
  return before;
}

/** The price in a quote's document, or null when this page cannot read it. It is not verified here:
    the shop did that when it took the order. */
export function priceOf(quote: string, order: Order): Price | null {
  try {
    const payload = (quote.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(payload), (sign) => sign.charCodeAt(0));
    const claims: { lines: Price['lines'] } = JSON.parse(new TextDecoder().decode(bytes));
    const net_minor = claims.lines.reduce((sum, line) => sum + line.net_minor, 0);
    const tax_minor = claims.lines.reduce((sum, line) => sum + line.tax_minor, 0);
    const total_minor = net_minor + tax_minor;
    // Lines that do not add up to what is charged would be worse than none.
    if (total_minor !== order.total_minor) return null;
    return { currency: order.currency, lines: claims.lines, net_minor, tax_minor, total_minor };
  } catch {
    return null;
  }
}
