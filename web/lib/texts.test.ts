import { describe, expect, it } from 'vitest';
import { inLanguage, languageOf } from './texts.ts';

const TITLE = { en: 'Quieter doors', de: 'Leisere Türen' };

describe('a text in several languages', () => {
  it('speaks the language of the reader, or else English, or else any', () => {
    expect(inLanguage(TITLE, 'de')).toBe('Leisere Türen');
    expect(inLanguage(TITLE, 'zh')).toBe('Quieter doors');
    expect(inLanguage({ fr: 'Portes' }, 'zh')).toBe('Portes');
    expect([languageOf(TITLE, 'de'), languageOf(TITLE, 'zh')]).toEqual(['de', 'en']);
    expect(languageOf({ fr: 'Portes' }, 'zh')).toBe('');
  });
});
