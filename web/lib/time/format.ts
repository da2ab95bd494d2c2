// Ages, moments and sizes, in the language of the page. Pure: the time is an argument.

import { type Locale, TAGS, translate } from '../messages/locales.ts';

const SECOND_MS = 1_000;
const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;

function unit(locale: Locale, value: number, name: string, digits = 0): string {
  return new Intl.NumberFormat(TAGS[locale], {
    style: 'unit',
    unit: name,
    unitDisplay: 'short',
    maximumFractionDigits: digits,
  }).format(value);
}

/** A length of time in its one largest unit: 14 sec, 3 min, 5 hr, 2 days. Never negative. */
export function duration(locale: Locale, length_ms: number): string {
  const seconds = Math.max(0, Math.floor(length_ms / SECOND_MS));
  if (seconds < 100) return translate(locale, 'unit.seconds', { count: seconds });
  if (seconds < 100 * MINUTE_S) return unit(locale, Math.floor(seconds / MINUTE_S), 'minute');
  if (seconds < 2 * DAY_S) return unit(locale, Math.floor(seconds / HOUR_S), 'hour');
  return unit(locale, Math.floor(seconds / DAY_S), 'day');
}

/** A length of time that is asked for in minutes: 1 min, 60 min. */
export function minutes(locale: Locale, count: number): string {
  return unit(locale, count, 'minute');
}

/** How long ago: 14 s ago, 3 min ago; below two seconds it is just now. */
export function ago(locale: Locale, length_ms: number): string {
  const seconds = Math.max(0, Math.floor(length_ms / SECOND_MS));
  if (seconds < 2) return translate(locale, 'time.now');
  // Narrow reads best for seconds; for minutes it would be one letter, which could be metres.
  const relative = new Intl.RelativeTimeFormat(TAGS[locale], {
    style: seconds < 100 ? 'narrow' : 'short',
    numeric: 'always',
  });
  if (seconds < 100) return relative.format(-seconds, 'second');
  if (seconds < 100 * MINUTE_S) return relative.format(-Math.floor(seconds / MINUTE_S), 'minute');
  if (seconds < 2 * DAY_S) return relative.format(-Math.floor(seconds / HOUR_S), 'hour');
  return relative.format(-Math.floor(seconds / DAY_S), 'day');
}

/** A moment, whole, in the reader's own zone. */
export function moment(locale: Locale, at_ms: number): string {
  return new Intl.DateTimeFormat(TAGS[locale], { dateStyle: 'medium', timeStyle: 'medium' }).format(
    at_ms,
  );
}

/** A share in whole percent: 62 %. */
export function percent(locale: Locale, value: number): string {
  return unit(locale, Math.round(value), 'percent');
}

/** A temperature to half a degree: 21.5 °C. */
export function celsius(locale: Locale, value: number): string {
  return unit(locale, Math.round(value * 2) / 2, 'celsius', 1);
}

/** A distance in whole kilometres. */
export function kilometres(locale: Locale, value: number): string {
  return unit(locale, Math.round(value), 'kilometer');
}

/** A speed in whole kilometres per hour. */
export function speed(locale: Locale, value_kmh: number): string {
  return unit(locale, Math.round(value_kmh), 'kilometer-per-hour');
}

/** The time of day, for what happens soon; with the day when it is another one. */
export function timeOfDay(locale: Locale, at_ms: number, now_ms: number): string {
  const isToday = new Date(at_ms).toDateString() === new Date(now_ms).toDateString();
  const how: Intl.DateTimeFormatOptions = isToday
    ? { timeStyle: 'medium' }
    : { dateStyle: 'medium', timeStyle: 'short' };
  return new Intl.DateTimeFormat(TAGS[locale], how).format(at_ms);
}

const SIZES = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** A size in decimal units, three figures: 53.2 GB. */
export function size(locale: Locale, bytes: number): string {
  let value = bytes;
  let step = 0;
  while (value >= 999.5 && step < SIZES.length - 1) {
    value /= 1_000;
    step += 1;
  }
  return unit(locale, value, SIZES[step] ?? 'byte', step > 0 && value < 100 ? 1 : 0);
}
