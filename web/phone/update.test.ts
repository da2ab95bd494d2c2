import { describe, expect, it } from 'vitest';
import type { CarUpdate } from '../lib/api/client.ts';
import { isUrgent, needsOf, progressOf, stageOf } from './update.ts';
import type { Body } from './view.ts';

const RELEASE = {
  number: 2,
  version: '1.2.0',
  title: { en: 'Quieter doors', de: 'Leisere Türen' },
  notes: { en: '- Less noise' },
  critical: false,
  minutes: 12,
  needs_charge_percent: 20,
};

function update(changes: Partial<CarUpdate>): CarUpdate {
  return {
    car_id: 'car',
    installed_number: 1,
    installed_version: '1.0.0',
    state: 'waiting',
    reason: 'not_agreed',
    progress_percent: 100,
    consent: 'asked',
    can_agree: true,
    can_take_back: false,
    release: RELEASE,
    heard_at: null,
    ...changes,
  };
}

describe('an update', () => {
  it('asks as long as nobody has agreed, and is then under way until it has ended', () => {
    expect(stageOf(update({}))).toBe('asked');
    expect(stageOf(update({ consent: 'given' }))).toBe('agreed');
    expect(stageOf(update({ state: 'booting', consent: 'given' }))).toBe('working');
    expect(stageOf(update({ state: 'installed', consent: 'over' }))).toBe('installed');
    expect(stageOf(update({ state: 'refused', consent: 'over' }))).toBe('ended');
    expect(stageOf(update({ state: 'rolled_back', consent: 'over' }))).toBe('ended');
    expect(stageOf(update({ state: 'none', release: null }))).toBe('none');
  });

  it('comes first only while something can be done or is being done', () => {
    expect(isUrgent(update({}))).toBe(true);
    expect(isUrgent(update({ state: 'installed', consent: 'over' }))).toBe(false);
  });

  it('counts only what can be counted', () => {
    expect(progressOf(update({ state: 'downloading', progress_percent: 42 }))).toBe(42);
    expect(progressOf(update({ state: 'waiting' }))).toBeNull();
  });

  it('needs a parked car with enough charge, and knows neither before the car has spoken', () => {
    const body = { gear: 'drive', speed_kmh: 0, charge_percent: 20 } as Body;
    expect(needsOf(RELEASE, body)).toMatchObject({ isParked: false, isCharged: true });
    expect(needsOf(RELEASE, { ...body, gear: 'park', charge_percent: 19.9 })).toMatchObject({
      isParked: true,
      isCharged: false,
    });
    expect(needsOf(RELEASE, null)).toMatchObject({ isParked: null, isCharged: null });
  });
});
