// Chinese, simplified, the console's page of software: versions, releases, campaigns.

import type { CatalogueOf } from '../catalogue.ts';
import type { en } from './en.ts';

export const zh: CatalogueOf<typeof en> = {

  'error.release_unknown': '没有发布过此版本。',
  'error.release_unknown.hint': '请重新读取版本列表。',
  'error.campaign_selects_nobody': '所选车辆都不会获得新内容。',
  'error.campaign_selects_nobody.hint': '请选择尚无此版本的车辆。',
  'error.release_older_than_car': '所选车辆中有更新的版本。',
  'error.release_older_than_car.hint': '车辆版本只升不降：请排除它，或选择更新的版本。',
  'error.car_in_campaign': '所选车辆正在另一活动中。',
  'error.car_in_campaign.hint': '请等待该活动完成、中止该活动，或排除此车。',
  'error.campaign_halted': '活动已中止。',
  'error.campaign_halted.hint': '请先查看失败的车辆，再选择忽略失败继续。',
  'error.campaign_conflict': '活动当前状态不允许此操作。',
  'error.campaign_conflict.hint': '请重新读取；已结束的活动不可更改。',
};
