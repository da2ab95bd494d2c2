// The one way to the cell's API. Types come from its OpenAPI document (`npm run client`).
//
// Rules: every call has a deadline; every failure is a ProblemError; a request that changes
// something carries the session's CSRF token. Nothing is tried again by itself.

import createClient from 'openapi-fetch';
import { ProblemError, problemOfAnswer, problemOfSilence } from './problem.ts';
import type { components, paths } from './schema.d.ts';

export const ANSWER_TIMEOUT_S = 10;

type Schemas = components['schemas'];
export type Me = Schemas['Me'];
export type PersonRole = Schemas['PersonRole'];
export type Settings = Schemas['Settings'];
export type CarsAnswer = Schemas['Cars'];
export type Car = Schemas['Car'];
export type Tick = Schemas['Tick'];
export type Health = Schemas['Health'];
export type Passkey = Schemas['Passkey'];
export type NewPasskey = Schemas['NewPasskey'];
export type PasskeyAnswer = Schemas['PasskeyAnswer'];

let csrfToken = '';

async function send(request: Request): Promise<Response> {
  const changes = request.method !== 'GET';
  if (changes && csrfToken) request.headers.set('X-CSRF-Token', csrfToken);
  let answer: Response;
  try {
    answer = await fetch(request, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_S * 1_000) });
  } catch (thrown) {
    const late = thrown instanceof DOMException && thrown.name === 'TimeoutError';
    throw new ProblemError(
      problemOfSilence(late ? 'deadline_passed' : 'cell_unreachable', changes),
    );
  }
  if (answer.ok) return answer;
  const body: unknown = await answer.json().catch(() => null);
  throw new ProblemError(problemOfAnswer(answer.status, body, changes));
}

const client = createClient<paths>({
  baseUrl: location.origin,
  credentials: 'same-origin',
  fetch: send,
});

function dataOf<Data>(answer: { data?: Data; response: Response }): Data {
  if (answer.data === undefined) {
    throw new ProblemError(problemOfAnswer(answer.response.status, null, false));
  }
  return answer.data;
}

/** Who is signed in here, and the token for changes; a ProblemError 401 when nobody is. */
export async function readMe(): Promise<Me> {
  const me = dataOf(await client.GET('/api/me'));
  csrfToken = me.csrf_token;
  return me;
}

/** Exchange the code of a one-time link for a session. */
export async function openSession(linkCode: string): Promise<void> {
  await client.POST('/api/session', { body: { link_code: linkCode } });
}

/** What the browser is to be asked in order to sign in with a passkey. */
export async function beginPasskeySignIn(): Promise<Record<string, unknown>> {
  return dataOf(await client.POST('/api/session/passkey/options')).public_key;
}

/** Exchange the answer of a passkey for a session. */
export async function openSessionByPasskey(answer: PasskeyAnswer): Promise<void> {
  await client.POST('/api/session/passkey', { body: answer });
}

/** One's own passkeys on this site, oldest first. */
export async function readPasskeys(): Promise<Passkey[]> {
  return dataOf(await client.GET('/api/me/passkeys')).passkeys;
}

/** What the browser is to be asked in order to make a passkey. */
export async function beginPasskey(): Promise<Record<string, unknown>> {
  return dataOf(await client.POST('/api/me/passkeys/options')).public_key;
}

/** Keep a passkey that the browser made. */
export async function addPasskey(passkey: NewPasskey): Promise<Passkey> {
  return dataOf(await client.POST('/api/me/passkeys', { body: passkey }));
}

/** Remove a passkey. */
export async function removePasskey(passkeyId: string): Promise<void> {
  const where = { params: { path: { passkey_id: passkeyId } } };
  await client.DELETE('/api/me/passkeys/{passkey_id}', where);
}

/** End this browser's session. */
export async function closeSession(): Promise<void> {
  await client.DELETE('/api/session');
  csrfToken = '';
}

/** Keep the settings with the account. */
export async function writeSettings(settings: Settings): Promise<void> {
  await client.PUT('/api/me/settings', { body: settings });
}

/** Every car that the registry knows. */
export async function readCars(): Promise<CarsAnswer> {
  return dataOf(await client.GET('/api/cars'));
}

/** One's own cars, now. */
export async function readOwnCars(): Promise<Schemas['OwnedCars']> {
  return dataOf(await client.GET('/api/own-cars'));
}

/** Bring a hand-over request to the maker; the same request again only asks for the answer. */
export async function askForCar(carId: string, request: string): Promise<Schemas['HandOver']> {
  const params = { path: { car_id: carId } };
  return dataOf(await client.POST('/api/cars/{car_id}/hand-over', { params, body: { request } }));
}

/** The newest commands to one's own car. */
export async function readCommands(carId: string): Promise<Schemas['Commands']> {
  const params = { path: { car_id: carId } };
  return dataOf(await client.GET('/api/cars/{car_id}/commands', { params }));
}

/** Put a signed command into the mailbox of one's own car. */
export async function handInCommand(
  carId: string,
  body: Schemas['CommandEnvelope'],
): Promise<Schemas['Command']> {
  const params = { path: { car_id: carId } };
  return dataOf(await client.POST('/api/cars/{car_id}/commands', { params, body }));
}

/** Cancel a command that was not sent. */
export async function takeCommandBack(carId: string, commandId: string): Promise<void> {
  const params = { path: { car_id: carId, command_id: commandId } };
  await client.DELETE('/api/cars/{car_id}/commands/{command_id}', { params });
}

/** A piece of both logs of a car, behind these lines. */
export async function readCarLogs(
  carId: string,
  receipts_after: number,
  lines_after: number,
): Promise<Schemas['CarLogs']> {
  const params = { path: { car_id: carId }, query: { receipts_after, lines_after } };
  return dataOf(await client.GET('/api/cars/{car_id}/log', { params }));
}

/** Whether the cell is well. */
export async function readHealth(): Promise<Health> {
  return dataOf(await client.GET('/api/health'));
}

export type Catalogue = Schemas['CatalogueShown'];
export type CatalogueGroup = Schemas['CatalogueGroup'];
export type CatalogueOption = Schemas['CatalogueOption'];
export type Market = Schemas['CatalogueMarket'];
export type Configuration = Schemas['Configuration'];
export type Explained = Schemas['ExplanationShown'];
export type Reason = Schemas['ReasonShown'];
export type Price = Schemas['PriceShown'];
export type Quote = Schemas['QuoteShown'];
export type Order = Schemas['Order'];
export type OrderStory = Schemas['OrderStory'];
export type OrderBook = Schemas['OrderBook'];

/** What is for sale. */
export async function readCatalogue(): Promise<Catalogue> {
  return dataOf(await client.GET('/api/shop/catalogue'));
}

/** What these choices leave open, and what the cheapest car with them costs. */
export async function readConfiguration(
  market: string,
  choices: readonly string[],
): Promise<Configuration> {
  const query = { market, choice: [...choices] };
  return dataOf(await client.GET('/api/shop/configuration', { params: { query } }));
}

/** Why not, of every option that cannot be had with these choices. */
export async function readExplanations(
  choices: readonly string[],
): Promise<ReadonlyMap<string, Explained>> {
  const query = { choice: [...choices] };
  const { explanations } = dataOf(
    await client.GET('/api/shop/explanations', { params: { query } }),
  );
  return new Map(
    explanations.flatMap(({ wish, explanation }) => (explanation ? [[wish, explanation]] : [])),
  );
}

/** The fewest choices to give up, so that the wish can be had. */
export async function readRepair(
  market: string,
  choices: readonly string[],
  wish: string | null,
): Promise<Schemas['RepairShown']> {
  const query = { market, choice: [...choices], ...(wish === null ? {} : { wish }) };
  return dataOf(await client.GET('/api/shop/repair', { params: { query } }));
}

/** A signed price of a whole car, with its week. */
export async function makeQuote(market: string, options: readonly string[]): Promise<Quote> {
  const body = { market, options: [...options] };
  return dataOf(await client.POST('/api/shop/quotes', { body }));
}

/** Order what a quote says; the same key again is the same order. */
export async function placeOrder(quote: string, key: string): Promise<Order> {
  const header = { 'Idempotency-Key': key };
  return dataOf(await client.POST('/api/shop/orders', { params: { header }, body: { quote } }));
}

/** One's own orders, the newest first. */
export async function readOrders(): Promise<Schemas['Orders']> {
  return dataOf(await client.GET('/api/shop/orders'));
}

/** One order with all that happened to it. */
export async function readOrder(order_id: string): Promise<OrderStory> {
  const path = { order_id };
  return dataOf(await client.GET('/api/shop/orders/{order_id}', { params: { path } }));
}

/** How an order can be paid. */
export async function readPaymentWays(): Promise<Schemas['PaymentWays']> {
  return dataOf(await client.GET('/api/shop/payment-ways'));
}

/** Pay an order; the same key again only asks what became of it. */
export async function payOrder(order_id: string, token: string, key: string): Promise<OrderStory> {
  const params = { path: { order_id }, header: { 'Idempotency-Key': key } };
  const answer = await client.POST('/api/shop/orders/{order_id}/payments', {
    params,
    body: { token },
  });
  return dataOf(answer);
}

/** End an order that the factory has not taken yet. */
export async function callOrderOff(order_id: string): Promise<void> {
  const path = { order_id };
  await client.POST('/api/shop/orders/{order_id}/cancellation', { params: { path } });
}

/** The orders by state and week, without names. */
export async function readOrderBook(): Promise<OrderBook> {
  return dataOf(await client.GET('/api/orders'));
}

export type CarUpdate = Schemas['CarUpdate'];
export type ReleaseInFull = Schemas['ReleaseInFull'];
export type Thought = Schemas['Thought'];
export type Home = Schemas['Home'];
export type CarScenes = Schemas['CarScenes'];
export type SceneTrace = Schemas['SceneTrace'];
export type SceneRequest = Schemas['SceneRequest'];

/** The update of one's own car, now. */
export async function readUpdate(car_id: string): Promise<CarUpdate> {
  return dataOf(await client.GET('/api/cars/{car_id}/update', { params: { path: { car_id } } }));
}

/** What a release brings, and what people think of it. */
export async function readRelease(number: number): Promise<ReleaseInFull> {
  return dataOf(await client.GET('/api/releases/{number}', { params: { path: { number } } }));
}

/** Say what one thinks of a release. */
export async function writeThought(number: number, text: string): Promise<Thought> {
  const params = { path: { number } };
  return dataOf(await client.POST('/api/releases/{number}/thoughts', { params, body: { text } }));
}

/** One's own homes. */
export async function readHomes(): Promise<Home[]> {
  return dataOf(await client.GET('/api/homes')).homes;
}

/** Take the home that waits for this code, for oneself and for a car. */
export async function takeHome(code: string, car_id: string): Promise<Home> {
  return dataOf(await client.POST('/api/homes', { body: { code, car_id } }));
}

/** Let one's own car belong to one's own home. */
export async function tieCar(home_id: string, car_id: string): Promise<void> {
  await client.PUT('/api/homes/{home_id}/cars/{car_id}', { params: { path: { home_id, car_id } } });
}

/** Let one's own car belong to that home no more. */
export async function untieCar(home_id: string, car_id: string): Promise<void> {
  const params = { path: { home_id, car_id } };
  await client.DELETE('/api/homes/{home_id}/cars/{car_id}', { params });
}

/** The scenes of one's own car, and what they did. */
export async function readScenes(car_id: string): Promise<CarScenes> {
  return dataOf(await client.GET('/api/cars/{car_id}/scenes', { params: { path: { car_id } } }));
}

export type Campaign = Schemas['Campaign'];
export type CampaignCar = Schemas['CampaignCar'];
export type CampaignWanted = Schemas['CampaignWanted'];
export type CarSoftware = Schemas['CarSoftware'];
export type ReleaseSummary = Schemas['ReleaseSummary'];
export type SoftwareAttention = Schemas['Attention'];

/** What is published, the newest first. */
export async function readReleases(): Promise<ReleaseSummary[]> {
  return dataOf(await client.GET('/api/releases')).releases;
}

/** Campaigns, the newest first. */
export async function readCampaigns(): Promise<Schemas['Campaigns']> {
  return dataOf(await client.GET('/api/campaigns'));
}

/** The cars of a campaign behind that one. */
export async function readCampaignCars(
  campaign_id: string,
  after: string,
): Promise<Schemas['CampaignCars']> {
  const params = { path: { campaign_id }, query: { after } };
  return dataOf(await client.GET('/api/campaigns/{campaign_id}/cars', { params }));
}

/** The software of the cars behind that one. */
export async function readSoftware(after: string): Promise<Schemas['FleetSoftware']> {
  return dataOf(await client.GET('/api/software', { params: { query: { after } } }));
}

/** Which cars and campaigns need a person. */
export async function readSoftwareAttention(): Promise<SoftwareAttention> {
  return dataOf(await client.GET('/api/software/attention'));
}

/** Start a campaign; the same identifier again is the same campaign. */
export async function startCampaign(body: CampaignWanted): Promise<Campaign> {
  return dataOf(await client.POST('/api/campaigns', { body }));
}

/** Tell no further car. */
export async function pauseCampaign(campaign_id: string): Promise<void> {
  const params = { path: { campaign_id } };
  await client.POST('/api/campaigns/{campaign_id}/pause', { params });
}

/** Go on; one that was halted does so only despite its failures. */
export async function resumeCampaign(
  campaign_id: string,
  despite_failures: boolean,
): Promise<void> {
  const params = { path: { campaign_id } };
  await client.POST('/api/campaigns/{campaign_id}/resume', { params, body: { despite_failures } });
}

/** Stop it, and call back every car that has not begun. */
export async function haltCampaign(campaign_id: string): Promise<void> {
  const params = { path: { campaign_id } };
  await client.POST('/api/campaigns/{campaign_id}/halt', { params });
}

/** A person looked at the car: what it says next counts like its first word. */
export async function takeSoftwareAnew(car_id: string): Promise<void> {
  await client.POST('/api/software/{car_id}/take-anew', { params: { path: { car_id } } });
}
