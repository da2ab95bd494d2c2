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
  'error.release_unknown': 'Dieses Release gibt es nicht.',
  'error.release_unknown.hint': 'Zuerst veröffentlichen oder ein anderes wählen.',
  'error.campaign_selects_nobody': 'Kein gewähltes Auto bekäme etwas Neues.',
  'error.campaign_selects_nobody.hint':
    'Autos wählen, die es gibt und die dieses Release noch nicht haben.',
  'error.release_older_than_car': 'Ein gewähltes Auto hat schon ein neueres Release.',
  'error.release_older_than_car.hint':
    'Nichts wurde begonnen. Das Auto weglassen oder ein neueres Release unterschreiben.',
  'error.car_in_campaign': 'Ein gewähltes Auto ist in einer anderen Kampagne.',
  'error.car_in_campaign.hint':
    'Nichts wurde begonnen. Warten, jene Kampagne anhalten oder das Auto weglassen.',
  'error.campaign_halted': 'Die Kampagne wurde angehalten.',
  'error.campaign_halted.hint':
    'Die Autos ansehen, bei denen es misslang; dann trotz der Fehler fortsetzen.',
  'error.campaign_conflict': 'Die Kampagne ist nicht in einem Zustand, der das erlaubt.',
  'error.campaign_conflict.hint': 'Neu laden; was beendet ist, bleibt es.',
  'error.manifest_replayed': 'Das Auto hat etwas Altes noch einmal gesagt.',
  'error.manifest_replayed.hint':
    'Es zählt nicht. Ein zweites Auto mit demselben Schlüssel suchen.',
  'error.inventory_changed': 'Das Auto nennt andere Steuergeräte als vorher.',
  'error.inventory_changed.hint':
    'Herausfinden, wer eines getauscht hat. Bis dahin bekommt es kein Update.',
  'error.report_contradicts': 'Was das Auto über seine Software sagt, kann nicht stimmen.',
  'error.report_contradicts.hint': 'Es zählt nicht. Das Auto ansehen lassen.',
};
