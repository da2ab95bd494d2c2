// Amounts of money, in the language of the page. Pure.
//
// Rules: an amount is whole minor units and a currency, never a fraction; tax is rounded half up for
// each line, as the shop does it, so that what a page shows adds up to what is charged.

import { type Locale, TAGS } from './messages/locales.ts';

const BASIS_POINTS = 10_000;

/** An amount: €57,405.60. `look` adds a plus before what comes on top. */
export function money(
  locale: Locale,
  amount_minor: number,
  currency: string,
  look: 'amount' | 'difference' = 'amount',
): string {
  const how: Intl.NumberFormatOptions = {
    style: 'currency',
    currency,
    currencyDisplay: 'narrowSymbol',
    signDisplay: look === 'difference' ? 'exceptZero' : 'auto',
  };
  const format = new Intl.NumberFormat(TAGS[locale], how);
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount_minor / 10 ** digits);
}

/** The tax on a net amount, rounded half up. */
export function taxOf(net_minor: number, basis_points: number): number {
  return Math.floor((net_minor * basis_points + BASIS_POINTS / 2) / BASIS_POINTS);
}

/** A tax rate: 19 %. */
export function taxRate(locale: Locale, basis_points: number): string {
  const how: Intl.NumberFormatOptions = { style: 'percent', maximumFractionDigits: 2 };
  return new Intl.NumberFormat(TAGS[locale], how).format(basis_points / BASIS_POINTS);
}
