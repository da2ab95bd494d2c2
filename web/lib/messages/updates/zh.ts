// Chinese, simplified, updates: why one was refused.

import type { CatalogueOf } from '../catalogue.ts';
import type { en } from './en.ts';

export const zh: CatalogueOf<typeof en> = {
  'error.update_refused': '无法接受此更新。',
  'error.update_refused.hint': '未安装任何内容。若仍如此，请告知客服。',
  'error.update_malformed': '更新的说明数据已损坏。',
  'error.update_malformed.hint': '将重新获取。若仍如此，请告知客服。',
  'error.update_too_large': '更新超出允许的大小。',
  'error.update_too_large.hint': '未安装任何内容。请告知客服。',
  'error.update_threshold_unmet': '并非所有须同意的公司都已签署此更新。',
  'error.update_threshold_unmet.hint': '未安装任何内容。请告知客服。',
  'error.update_expired': '更新的说明数据已过期。',
  'error.update_expired.hint': '将重新获取。若仍如此，请告知客服。',
  'error.update_older': '此更新比现有版本旧。',
  'error.update_older.hint': '版本只升不降。未安装任何内容。',
  'error.update_altered': '此更新与所签署的内容不符。',
  'error.update_altered.hint': '未安装任何内容。若仍如此，请告知客服。',
  'error.update_hardware_wrong': '此更新适用于其他硬件。',
  'error.update_hardware_wrong.hint': '未安装任何内容。请告知客服。',
  'error.update_unfit': '此更新不适用于这辆车。',
  'error.update_unfit.hint': '未安装任何内容。若仍如此，请告知客服。',
  'error.car_refuses': '车辆目前不执行此操作。',
  'error.car_refuses.hint': '请等待它完成当前操作。',
};
