// German, updates: why one was refused.

import type { CatalogueOf } from '../catalogue.ts';
import type { en } from './en.ts';

export const de: CatalogueOf<typeof en> = {
  'error.update_refused': 'Das Update kann nicht angenommen werden.',
  'error.update_refused.hint': 'Es wurde nichts installiert. Bleibt es so, den Support fragen.',
  'error.update_malformed': 'Die Angaben zum Update sind beschädigt.',
  'error.update_malformed.hint': 'Sie werden erneut geholt. Bleibt es so, den Support fragen.',
  'error.update_too_large': 'Das Update ist größer, als es sein darf.',
  'error.update_too_large.hint': 'Es wurde nichts installiert. Den Support fragen.',
  'error.update_threshold_unmet':
    'Nicht alle Unternehmen, die zustimmen müssen, haben das Update unterschrieben.',
  'error.update_threshold_unmet.hint': 'Es wurde nichts installiert. Den Support fragen.',
  'error.update_expired': 'Die Angaben zum Update sind zu alt.',
  'error.update_expired.hint': 'Sie werden erneut geholt. Bleibt es so, den Support fragen.',
  'error.update_older': 'Das Update ist älter als das, was schon da ist.',
  'error.update_older.hint': 'Versionen steigen nur. Es wurde nichts installiert.',
  'error.update_altered': 'Das Update ist nicht das, was unterschrieben wurde.',
  'error.update_altered.hint': 'Es wurde nichts installiert. Bleibt es so, den Support fragen.',
  'error.update_hardware_wrong': 'Das Update ist für andere Hardware.',
  'error.update_hardware_wrong.hint': 'Es wurde nichts installiert. Den Support fragen.',
  'error.update_unfit': 'Das Update passt nicht zu diesem Auto.',
  'error.update_unfit.hint': 'Es wurde nichts installiert. Bleibt es so, den Support fragen.',
  'error.car_refuses': 'Das macht das Auto jetzt nicht.',
  'error.car_refuses.hint': 'Warten, bis es fertig ist mit dem, was es tut.',
};
