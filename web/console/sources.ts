// What the console follows.

import {
  type Campaign,
  type Car,
  type OrderBook,
  readCampaigns,
  readCars,
  readOrderBook,
} from '../lib/api/client.ts';
import type { Source } from '../lib/live/browser.ts';

/** Every car. */
export const CARS: Source<Car> = {
  from: { path: '/api/cars/live', event: 'car' },
  load: async () => {
    const { cars, now, cars_online_window_s } = await readCars();
    return { items: cars, now, window_s: cars_online_window_s };
  },
  keyOf: ({ car_id }) => car_id,
};

/** The name of the one thing that ORDER_BOOK has. */
export const BOOK = 'book';

/** The orders by state and week. */
export const ORDER_BOOK: Source<OrderBook> = {
  from: { path: '/api/orders/live', event: 'orders' },
  load: async () => {
    const book = await readOrderBook();
    return { items: [book], now: book.now };
  },
  keyOf: () => BOOK,
};

/** The campaigns. */
export const CAMPAIGNS: Source<Campaign> = {
  from: { path: '/api/campaigns/live', event: 'campaign' },
  load: async () => {
    const { campaigns, now } = await readCampaigns();
    return { items: campaigns, now };
  },
  keyOf: ({ campaign_id }) => campaign_id,
};
