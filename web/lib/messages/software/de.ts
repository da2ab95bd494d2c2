// German, the console's page of software: versions, releases, campaigns.

import type { CatalogueOf } from '../catalogue.ts';
import type { en } from './en.ts';

export const de: CatalogueOf<typeof en> = {

  'error.release_unknown': 'Eine solche Version wurde nicht veröffentlicht.',
  'error.release_unknown.hint': 'Die Liste der Versionen neu lesen.',
  'error.campaign_selects_nobody': 'Kein gewähltes Auto bekäme etwas Neues.',
  'error.campaign_selects_nobody.hint': 'Autos wählen, die diese Version noch nicht haben.',
  'error.release_older_than_car': 'Ein gewähltes Auto hat eine neuere Version.',
  'error.release_older_than_car.hint': 'Autos gehen nie zurück: auslassen oder eine neuere Version wählen.',
  'error.car_in_campaign': 'Ein gewähltes Auto ist in einer anderen Kampagne.',
  'error.car_in_campaign.hint': 'Warten, bis jene mit ihm fertig ist, sie anhalten oder das Auto auslassen.',
  'error.campaign_halted': 'Die Kampagne wurde angehalten.',
  'error.campaign_halted.hint': 'Die gescheiterten Autos ansehen; dann trotz der Fehler fortsetzen.',
  'error.campaign_conflict': 'Der Stand der Kampagne lässt das nicht zu.',
  'error.campaign_conflict.hint': 'Neu lesen; eine beendete bleibt beendet.',
};
