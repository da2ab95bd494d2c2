// English, the console's page of software: versions, releases, campaigns.

export const en = {

  'error.release_unknown': 'No such release was published.',
  'error.release_unknown.hint': 'Read the list of releases again.',
  'error.campaign_selects_nobody': 'No chosen car would get anything new.',
  'error.campaign_selects_nobody.hint': 'Choose cars that have not got this release yet.',
  'error.release_older_than_car': 'A chosen car has a newer release.',
  'error.release_older_than_car.hint': 'Cars never go back: leave it out, or choose a newer release.',
  'error.car_in_campaign': 'A chosen car is in another campaign.',
  'error.car_in_campaign.hint': 'Wait until that campaign is through with it, halt it, or leave the car out.',
  'error.campaign_halted': 'The campaign was halted.',
  'error.campaign_halted.hint': 'Look at the cars that failed; then resume despite the failures.',
  'error.campaign_conflict': 'The campaign is not in a state that allows this.',
  'error.campaign_conflict.hint': 'Read it again; one that is finished stays so.',
} as const;
