// Scenes as the page edits and reads them: the two that it makes, and any other that the car holds.
// Pure. The vocabulary and the limits are those of monocoque.contracts.scenes (docs/protocol/scenes.md).
//
// Rules: only what the owner's key signs changes a scene, and the car alone keeps it; so a scene that
// this page cannot read is still shown, and can be removed.

/** The two scenes that the page makes. */
export type Draft = { readonly sceneId: string; readonly name: string } & (
  | ({ readonly kind: 'arrive' } & Arrival)
  | ({ readonly kind: 'time' } & Heating)
);

export interface Arrival {
  readonly latitude_e7: number;
  readonly longitude_e7: number;
  readonly radius_m: number;
  readonly away_min: number;
}

export interface Heating {
  readonly minute_of_day: number;
  readonly days: readonly Day[];
  readonly zone: string;
  readonly temperature_decicelsius: number;
}

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof DAYS)[number];
export const WEEKDAYS: readonly Day[] = DAYS.slice(0, 5);

export const RADII_M = [100, 150, 300, 500] as const;
export const AWAYS_MIN = [1, 5, 15, 60] as const;
export const NAME_CHARACTERS_MAX = 60;
const ARRIVE_VALID_S = 600;
const TIME_VALID_S = 1_800;
/** Of one degree. */
export const E7 = 10_000_000;

/** One scene as the car holds it; the members that were found. */
export interface SceneRead {
  readonly sceneId: string;
  readonly name: string;
  readonly when: Readonly<Record<string, unknown>>;
  readonly actions: readonly Readonly<Record<string, unknown>>[];
  /** Null when it is none of those that the page makes. */
  readonly draft: Draft | null;
}

/** The text to sign. The larger radius leaves room for the error of a measured place. */
export function sceneText(draft: Draft): string {
  const { sceneId: scene_id, name } = draft;
  if (draft.kind === 'arrive') {
    const { latitude_e7, longitude_e7, radius_m, away_min } = draft;
    return JSON.stringify({
      scene_id,
      name,
      when: {
        trigger: 'arrive',
        place: { latitude_e7, longitude_e7 },
        enter_radius_m: radius_m,
        exit_radius_m: 2 * radius_m,
        away_s_min: away_min * 60,
      },
      do: [{ action: 'home.lamp.turn_on' }],
      valid_for_s: ARRIVE_VALID_S,
    });
  }
  const { minute_of_day, days, zone, temperature_decicelsius } = draft;
  return JSON.stringify({
    scene_id,
    name,
    when: { trigger: 'time', minute_of_day, days: DAYS.filter((day) => days.includes(day)), zone },
    do: [{ action: 'car.climate', on: true, temperature_decicelsius }],
    valid_for_s: TIME_VALID_S,
  });
}

/** What a text of the car says; null when it is no scene at all. */
export function readScene(text: string): SceneRead | null {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(found) || !isObject(found.when) || !Array.isArray(found.do)) return null;
  const { scene_id: sceneId, name, when } = found;
  if (typeof sceneId !== 'string' || typeof name !== 'string') return null;
  const actions = found.do.filter(isObject);
  return { sceneId, name, when, actions, draft: draftOf(sceneId, name, when, actions) };
}

function draftOf(
  sceneId: string,
  name: string,
  when: Readonly<Record<string, unknown>>,
  actions: readonly Readonly<Record<string, unknown>>[],
): Draft | null {
  const action = actions.length === 1 ? actions[0] : undefined;
  if (when.trigger === 'arrive' && action?.action === 'home.lamp.turn_on') {
    const { place, enter_radius_m: radius_m, away_s_min } = when;
    if (!isObject(place) || typeof radius_m !== 'number' || typeof away_s_min !== 'number') {
      return null;
    }
    const { latitude_e7, longitude_e7 } = place;
    if (typeof latitude_e7 !== 'number' || typeof longitude_e7 !== 'number') return null;
    const away_min = Math.max(1, Math.round(away_s_min / 60));
    return { kind: 'arrive', sceneId, name, latitude_e7, longitude_e7, radius_m, away_min };
  }
  if (when.trigger === 'time' && action?.action === 'car.climate' && action.on === true) {
    const { minute_of_day, days, zone } = when;
    const { temperature_decicelsius } = action;
    const isRight =
      typeof minute_of_day === 'number' &&
      Array.isArray(days) &&
      typeof zone === 'string' &&
      typeof temperature_decicelsius === 'number';
    if (!isRight) return null;
    const known = DAYS.filter((day) => days.includes(day));
    return {
      kind: 'time',
      sceneId,
      name,
      minute_of_day,
      days: known,
      zone,
      temperature_decicelsius,
    };
  }
  return null;
}

/** A point as a scene names it. */
export function placeE7(place: {
  readonly latitude_degrees: number;
  readonly longitude_degrees: number;
}): { latitude_e7: number; longitude_e7: number } {
  return {
    latitude_e7: Math.round(place.latitude_degrees * E7),
    longitude_e7: Math.round(place.longitude_degrees * E7),
  };
}

/** 07:30 as minutes of the day; null for anything else. */
export function minuteOf(clock: string): number | null {
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)/.exec(clock) ?? [];
  return hours === undefined ? null : Number(hours) * 60 + Number(minutes);
}

/** Minutes of the day as 07:30, the form of a time field. */
export function clockOf(minute_of_day: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(minute_of_day / 60))}:${two(minute_of_day % 60)}`;
}

/** Why a draft cannot be kept yet; null when it can. */
export function faultOf(draft: Draft): 'name' | 'days' | null {
  const length = [...draft.name.trim()].length;
  if (length === 0 || length > NAME_CHARACTERS_MAX) return 'name';
  return draft.kind === 'time' && draft.days.length === 0 ? 'days' : null;
}

/** The code of a home as it was typed or pasted: also out of the whole link. */
export function homeCodeOf(typed: string): string {
  const text = typed.trim();
  return text.includes('#') ? text.slice(text.lastIndexOf('#') + 1) : text;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
