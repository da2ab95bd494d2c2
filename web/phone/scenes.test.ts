import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  AWAYS_MIN,
  clockOf,
  type Draft,
  faultOf,
  homeCodeOf,
  minuteOf,
  placeE7,
  RADII_M,
  readScene,
  sceneText,
} from './scenes.ts';

const SCENE_CHARACTERS_MAX = 700;
const LAMP: Draft = {
  kind: 'arrive',
  sceneId: 'scene_0123456789abcdefghjkmnpqrs',
  name: 'Light for coming home',
  latitude_e7: 473_769_000,
  longitude_e7: 85_417_000,
  radius_m: 150,
  away_min: 5,
};
const WARM: Draft = {
  kind: 'time',
  sceneId: 'scene_1123456789abcdefghjkmnpqrs',
  name: 'Warm at half past seven',
  minute_of_day: 450,
  days: ['fri', 'mon', 'tue', 'wed', 'thu'],
  zone: 'Europe/Zurich',
  temperature_decicelsius: 210,
};

describe('a scene', () => {
  it('is written as the protocol shows it', () => {
    const text = readFileSync(`${import.meta.dirname}/../../docs/protocol/scenes.md`, 'utf8');
    const examples = [...text.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json]) =>
      JSON.parse(json ?? ''),
    );
    expect([LAMP, WARM].map((draft) => JSON.parse(sceneText(draft)))).toEqual(examples);
  });

  it('comes back as the draft that it was made from', () => {
    for (const draft of [LAMP, WARM]) {
      const text = sceneText(draft);
      const back = readScene(text)?.draft;
      expect(back && sceneText(back)).toBe(text);
    }
  });

  it('is never too long, whatever the page lets somebody choose', () => {
    const longest = {
      name: '“'.repeat(60),
      latitude_e7: -899_999_999,
      longitude_e7: -1_799_999_999,
    };
    const away_min = Math.max(...AWAYS_MIN);
    const radius_m = Math.max(...RADII_M);
    const zone = 'America/Argentina/ComodRivadavia';
    const texts = [
      sceneText({ ...LAMP, ...longest, away_min, radius_m }),
      sceneText({
        ...WARM,
        name: longest.name,
        zone,
        days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
      }),
    ];
    expect(texts.filter((text) => text.length > SCENE_CHARACTERS_MAX)).toEqual([]);
  });

  it('that the page did not make is shown and not edited', () => {
    const other = JSON.parse(sceneText(LAMP));
    other.do.push({ action: 'car.lock' });
    const read = readScene(JSON.stringify(other));
    expect(read).toMatchObject({ name: LAMP.name, draft: null });
    expect(read?.actions).toHaveLength(2);
  });

  it.each(['', '7', '[]', '{"scene_id":"x","name":"y","when":7,"do":[]}', '{"do":[]}'])(
    'is none: %s',
    (text) => {
      expect(readScene(text)).toBeNull();
    },
  );

  it('needs a name that fits, and a day', () => {
    expect(faultOf(WARM)).toBeNull();
    expect(faultOf({ ...WARM, days: [] })).toBe('days');
    expect(faultOf({ ...LAMP, name: '  ' })).toBe('name');
    expect(faultOf({ ...LAMP, name: 'n'.repeat(61) })).toBe('name');
  });
});

describe('what is typed', () => {
  it('is a time of day, or not', () => {
    expect(['07:30', '00:00', '23:59', '24:00', '7:30', ''].map(minuteOf)).toEqual([
      450,
      0,
      1_439,
      null,
      null,
      null,
    ]);
    expect([450, 0, 1_439].map(clockOf)).toEqual(['07:30', '00:00', '23:59']);
  });

  it('may be the code of a home, or the link with it', () => {
    expect(homeCodeOf(' ABCD-1234 ')).toBe('ABCD-1234');
    expect(homeCodeOf('http://phone.localhost:8000/home#abcd1234')).toBe('abcd1234');
  });

  it('names a place in whole units', () => {
    const place = { latitude_degrees: 47.37690004, longitude_degrees: -8.54170006 };
    expect(placeE7(place)).toEqual({ latitude_e7: 473_769_000, longitude_e7: -85_417_001 });
  });
});
