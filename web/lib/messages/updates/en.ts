// English, updates: why one was refused.

export const en = {
  'error.update_refused': 'The update cannot be taken.',
  'error.update_refused.hint': 'Nothing was installed. Tell support if it stays so.',
  'error.update_malformed': 'What is said about the update is damaged.',
  'error.update_malformed.hint': 'It is asked for again. Tell support if it stays so.',
  'error.update_too_large': 'The update is larger than it may be.',
  'error.update_too_large.hint': 'Nothing was installed. Tell support.',
  'error.update_threshold_unmet': 'Not every company that must agree has signed the update.',
  'error.update_threshold_unmet.hint': 'Nothing was installed. Tell support.',
  'error.update_expired': 'What is said about the update is too old.',
  'error.update_expired.hint': 'It is asked for again. Tell support if it stays so.',
  'error.update_older': 'The update is older than what is there.',
  'error.update_older.hint': 'Versions only go up. Nothing was installed.',
  'error.update_altered': 'The update is not what was signed.',
  'error.update_altered.hint': 'Nothing was installed. Tell support if it stays so.',
  'error.update_hardware_wrong': 'The update is for other hardware.',
  'error.update_hardware_wrong.hint': 'Nothing was installed. Tell support.',
  'error.update_unfit': 'The update does not fit this car.',
  'error.update_unfit.hint': 'Nothing was installed. Tell support if it stays so.',
  'error.car_refuses': 'The car does not do this now.',
  'error.car_refuses.hint': 'Wait until it is done with what it does.',
} as const;
