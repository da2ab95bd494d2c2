import { describe, expect, it } from 'vitest';
import { ago, duration, size } from './format.ts';

describe('a length of time', () => {
  it.each([
    ['en', -5_000, '0 s'],
    ['en', 14_900, '14 s'],
    ['en', 99_000, '99 s'],
    ['en', 100_000, '1 min'],
    ['de', 7_200_000, '2 Std.'],
    ['zh', 14_000, '14 秒'],
    ['en', 3 * 86_400_000, '3 days'],
  ] as const)('in %s of %i ms is %s', (locale, length_ms, words) => {
    expect(duration(locale, length_ms)).toBe(words);
  });

  it('ago is just now at first, and never in the future', () => {
    expect(ago('en', 1_999)).toBe('just now');
    expect(ago('en', -60_000)).toBe('just now');
    expect(ago('en', 2_000)).toBe('2s ago');
    expect(ago('de', 180_000)).toBe('vor 3 Min.');
    expect(ago('zh', 14_000)).toBe('14秒前');
  });
});

describe('a size', () => {
  it.each([
    ['en', 0, '0 byte'],
    ['en', 53_213_000_000, '53.2 GB'],
    ['de', 53_213_000_000, '53,2\u00a0GB'],
    ['en', 999_600_000, '1 GB'],
    ['en', 287_000_000, '287 MB'],
  ] as const)('in %s of %i bytes is %s', (locale, bytes, words) => {
    expect(size(locale, bytes)).toBe(words);
  });
});
