// The sentences for scenes: when, what, and what was looked at, in the reader's language.

import type { SceneTrace } from '../lib/api/client.ts';
import { locale, t } from '../lib/messages/language.svelte.ts';
import { formatNumber, TAGS } from '../lib/messages/locales.ts';
import { celsius, duration, minutes } from '../lib/time/format.ts';
import { DAYS, type Day, type SceneRead, WEEKDAYS } from './scenes.ts';
import { OUTCOMES } from './view.ts';
import { outcomeOf, reasonOf, sideOf } from './words.ts';

type Members = Readonly<Record<string, unknown>>;

const MONDAY_MS = Date.UTC(2024, 0, 1);
const DAY_MS = 86_400_000;

/** The short name of a day. */
export function dayOf(day: Day): string {
  const at = new Date(MONDAY_MS + DAYS.indexOf(day) * DAY_MS);
  return new Intl.DateTimeFormat(TAGS[locale()], { weekday: 'short', timeZone: 'UTC' }).format(at);
}

/** Some days in one breath. */
function daysOf(days: readonly Day[]): string {
  if (days.length === DAYS.length) return t('scene.every_day');
  if (days.join() === WEEKDAYS.join()) return t('scene.weekdays');
  return new Intl.ListFormat(TAGS[locale()], { type: 'conjunction' }).format(days.map(dayOf));
}

function timeOf(minute_of_day: number): string {
  const format = new Intl.DateTimeFormat(TAGS[locale()], { timeStyle: 'short', timeZone: 'UTC' });
  return format.format(minute_of_day * 60_000);
}

const numberOf = (value: unknown) => (typeof value === 'number' ? value : 0);

/** When it happens. */
export function whenOf({ when }: SceneRead): string {
  const radius = formatNumber(locale(), numberOf(when.enter_radius_m));
  if (when.trigger === 'arrive') {
    const away = minutes(locale(), Math.round(numberOf(when.away_s_min) / 60));
    return t('scene.when_arrive', { radius, away });
  }
  if (when.trigger === 'leave') {
    const stay = minutes(locale(), Math.round(numberOf(when.stay_s_min) / 60));
    return t('scene.when_leave', { radius, stay });
  }
  if (when.trigger === 'time') {
    const asked = Array.isArray(when.days) ? when.days : [];
    return t('scene.when_time', {
      time: timeOf(numberOf(when.minute_of_day)),
      days: daysOf(DAYS.filter((day) => asked.includes(day))),
      zone: String(when.zone).replaceAll('_', ' '),
    });
  }
  return t('scene.when_other');
}

/** One thing that is asked for. */
export function actionOf(action: Members): string {
  const temperature = (value: unknown) => celsius(locale(), numberOf(value) / 10);
  switch (action.action) {
    case 'home.lamp.turn_on':
      return t('action.lamp_on');
    case 'home.lamp.turn_off':
      return t('action.lamp_off');
    case 'home.heat_pump.set':
      return t('action.heat_pump', { temperature: temperature(action.target_decicelsius) });
    case 'car.climate':
      return action.on === true
        ? t('action.climate', { temperature: temperature(action.temperature_decicelsius) })
        : t('action.climate_off');
    case 'car.lock':
      return t('action.lock');
    case 'car.charge_limit':
      return t('action.charge_limit', { percent: numberOf(action.percent) });
    default:
      return t('action.other', { action: String(action.action) });
  }
}

/** The same, out of JSON. */
export function actionOfText(text: string): string {
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found === 'object' && found !== null) return actionOf({ ...found });
  } catch {
    // Shown as it is.
  }
  return t('action.other', { action: text });
}

/** Everything that it asks for, in one line. */
export function doesOf({ actions }: SceneRead): string {
  return new Intl.ListFormat(TAGS[locale()], { type: 'conjunction' }).format(actions.map(actionOf));
}

/** One thing that the car looked at. */
export function findingOf({ what, found }: SceneTrace['findings'][number]): string {
  const length = () => duration(locale(), Number(found) * 1_000);
  switch (what) {
    case 'distance_m':
      return t('finding.distance_m', { metres: Number(found) });
    case 'accuracy_m':
      return t('finding.accuracy_m', { metres: Number(found) });
    case 'before':
      return t('finding.before', { side: sideOf(found) });
    case 'before_s':
      return t('finding.before_s', { length: length() });
    case 'late_s':
      return Number(found) < 2 ? t('finding.on_time') : t('finding.late_s', { length: length() });
    case 'in_time':
      return t('finding.in_time');
    case 'runs_already':
      return t('finding.runs_already');
    case 'has_room':
      return t('finding.has_room');
    default:
      return what.startsWith('car.') ? ofTheCar(what, found) : `${what}: ${found}`;
  }
}

/** What became of something that the car did itself. */
function ofTheCar(word: string, found: string): string {
  const names = {
    'car.climate': 'command.climate',
    'car.lock': 'command.lock',
    'car.charge_limit': 'command.charge_limit',
  } as const;
  const name = word in names ? t(names[word as keyof typeof names]) : word;
  return `${name}: ${OUTCOMES.some((one) => one === found) ? outcomeOf(found) : reasonOf(found)}`;
}
