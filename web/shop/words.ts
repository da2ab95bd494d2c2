// The words for what the catalogue and the orders name. What is new to this page is shown as it is.

import type { Catalogue, Market, OrderStory, Reason } from '../lib/api/client.ts';
import { isPlain, locale, t, word } from '../lib/messages/language.svelte.ts';
import { TAGS } from '../lib/messages/locales.ts';
import { duration, moment } from '../lib/time/format.ts';
import { weekBefore_us } from './story.ts';

const GROUP_RULE = 'one-of-';
const SHORT_WEEK_S = 86_400;

/** An option. */
export function optionName(key: string, catalogue: Catalogue | null): string {
  const named = `option.${key}`;
  if (isPlain(named)) return word(named);
  const options = catalogue?.groups.flatMap((group) => group.options) ?? [];
  return options.find((option) => option.key === key)?.name ?? key;
}

/** An option in a sentence: without what is said of it behind a colon. */
export function shortOptionName(key: string, catalogue: Catalogue | null): string {
  return optionName(key, catalogue).split(/[:：]/)[0] ?? key;
}

/** Several options, as a list in a sentence. */
export function optionNames(keys: readonly string[], catalogue: Catalogue | null): string {
  const names = keys.map((key) => shortOptionName(key, catalogue));
  return new Intl.ListFormat(TAGS[locale()], { type: 'conjunction' }).format(names);
}

/** A group of options. */
export function groupName(group: { readonly key: string; readonly name: string }): string {
  const named = `group.${group.key}`;
  return isPlain(named) ? word(named) : group.name;
}

/** Why something cannot be. */
export function reasonName(reason: Reason, catalogue: Catalogue | null): string {
  const named = `rule.${reason.key}`;
  if (isPlain(named)) return word(named);
  const group = catalogue?.groups.find(({ key }) => reason.key === GROUP_RULE + key);
  return group ? t('rule.one-of', { group: groupName(group) }) : reason.sentence;
}

/** A market. */
export function marketName(market: Market): string {
  const named = `market.${market.key}`;
  return isPlain(named) ? word(named) : market.name;
}

/** A tax. */
export function taxName(market: Market | undefined): string {
  const named = `tax.${market?.tax_name ?? ''}`;
  return isPlain(named) ? word(named) : t('tax.other', { tax: market?.tax_name ?? '' });
}

/** What a practice card does. */
export function tokenName(token: string): string {
  const named = `token.${token}`;
  return isPlain(named) ? word(named) : t('token.other', { token });
}

/** How a payment stands. */
export function paymentName(state: string): string {
  const named = `payment.${state}`;
  return isPlain(named) ? word(named) : t('payment.other', { state });
}

/** What happened to an order. */
export function changeName(change: OrderStory['changes'][number]): string {
  const reason = typeof change.detail.reason === 'string' ? change.detail.reason : '';
  if (change.kind === 'refused') return t('change.refused', { reason: reason || '–' });
  if (change.kind === 'declined' && reason === 'amount_differs') return t('change.declined_other');
  const named = `change.${change.kind}`;
  return isPlain(named) ? word(named) : t('change.other', { kind: change.kind });
}

/** What a change did to the promised week; empty when nothing. */
export function weekChange(change: OrderStory['changes'][number]): string {
  const before_us = weekBefore_us(change);
  if (before_us === null) return '';
  return t('change.week', {
    before: moment(locale(), before_us / 1_000),
    after: moment(locale(), Number(change.detail.week_us) / 1_000),
  });
}

/** That weeks are short here; empty where they are weeks. */
export function shortWeek(week_duration_s: number): string {
  if (week_duration_s >= SHORT_WEEK_S) return '';
  return t('week.short', { duration: duration(locale(), week_duration_s * 1_000) });
}
