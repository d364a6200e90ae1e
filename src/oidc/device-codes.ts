/**
 * The states of a device code (RFC 8628) that the library does not know: a browser takes it up or refuses it, and its
 * device polls too often. Each change is one conditional statement on the database clock.
 */
import type { Provider } from 'oidc-provider'
import { statement } from '../database/statement.ts'
import { artifactId, type Connection } from '../tokens/artifact-repository.ts'
import { readDeviceBrowser } from './overrides/read-device-browser.ts'

/** What a page may show of a device code. */
export interface DeviceLogin {
  /** The stored identifier, a hash. */
  id: string
  deviceCode: string
  /** Folded (domain/login/user-code). */
  userCode: string
  clientId: string
  /** Parameters of the device's request: scope, acr_values, … */
  params: Record<string, unknown>
  /** Coarse place of the device. */
  place: string
  requestedAt: Date
}

export type FoundDeviceLogin = { state: 'waiting'; login: DeviceLogin } | { state: 'unknown' } | { state: 'used' }

/**
 * Finds a device code by the short code. An expired code looks like an unknown one, because the answer must not help to
 * guess codes. A code that another browser has taken up is used.
 *
 * @param userCode folded
 */
export async function findDeviceLogin (
  provider: Provider,
  userCode: string,
  browserHash: string
): Promise<FoundDeviceLogin> {
  const code = await provider.DeviceCode.findByUserCode(userCode, { ignoreExpiration: true })
  if (code?.clientId === undefined || code.isExpired) return { state: 'unknown' }
  const place = code.deviceInfo?.['place']
  const browser = readDeviceBrowser(code)
  const taken = browser !== undefined && browser !== browserHash
  if (taken || code.consumed !== undefined || code.error !== undefined || code.accountId !== undefined) {
    return { state: 'used' }
  }
  return {
    state: 'waiting',
    login: {
      id: artifactId('DeviceCode', code.jti),
      deviceCode: code.jti,
      userCode,
      clientId: code.clientId,
      params: code.params ?? {},
      place: typeof place === 'string' ? place : '',
      requestedAt: new Date(code.iat * 1000)
    }
  }
}

const undecided = `model = 'DeviceCode' and id = $1::text and consumed_at is null and payload->'accountId' is null and payload->'error' is null
    and (payload->'inFlight' is null or payload->>'inFlight' = $2::text) and (payload->>'exp')::float8 > extract(epoch from now())`

const takeStatement = statement<[id: string, browserHash: string], { id: string }>(
  'device code take up',
  `
  update oidc_artifact set payload = payload || jsonb_build_object('inFlight', $2::text) where ${undecided}
    returning id`
)

const refuseStatement = statement<[id: string, browserHash: string], { id: string }>(
  'device code refuse',
  `
  update oidc_artifact set payload = payload || '{"error":"access_denied","errorDescription":"the end-user refused"}'
    where ${undecided} returning id`
)

/** Binds the code to this browser. False: it is decided, has expired, or is bound to another browser. */
export async function takeUpDeviceCode (db: Connection, id: string, browserHash: string): Promise<boolean> {
  return (await takeStatement(db, id, browserHash)).length === 1
}

/** The device gets `access_denied` (RFC 8628 §3.5). False: as in `takeUpDeviceCode`. */
export async function refuseDeviceCode (db: Connection, id: string, browserHash: string): Promise<boolean> {
  return (await refuseStatement(db, id, browserHash)).length === 1
}

/**
 * Seconds between two polls of a device (RFC 8628 §3.5): `first`, `more` for each poll that came too soon, `most`, and
 * the `tolerance` for clocks and networks.
 */
export const pollSeconds = { first: 5, more: 5, most: 60, tolerance: 1 } as const

const tooSoon = `extract(epoch from now()) - (a.payload->>'at')::float8 < (a.payload->>'interval')::float8 - ${pollSeconds.tolerance}`

const pollStatement = statement<[id: string, keepSeconds: number], { interval: number; slow: boolean }>(
  'device code poll',
  `
  insert into oidc_artifact as a (model, id, payload, expires_at)
  values ('DevicePoll', $1::text, jsonb_build_object('at', extract(epoch
    from now()), 'interval', ${pollSeconds.first}, 'slow', false), now() + make_interval(secs => $2::float8))
  on conflict (model, id) do update set payload = jsonb_build_object('at', extract(epoch
    from now()), 'slow', ${tooSoon},
    'interval', case when ${tooSoon} then least((a.payload->>'interval')::int + ${pollSeconds.more},
      ${pollSeconds.most}) else (a.payload->>'interval')::int end)
  returning (payload->>'interval')::int as interval, (payload->>'slow')::boolean as slow`
)

/** Notes a poll of a device before the decision. `slow`: it came too soon, and `interval` has grown. */
export async function notePoll (
  db: Connection,
  deviceCode: string,
  keepSeconds: number
): Promise<{ interval: number; slow: boolean }> {
  const [poll] = await pollStatement(db, artifactId('DevicePoll', deviceCode), keepSeconds)
  if (poll === undefined) throw new Error('device code poll: no row')
  return poll
}
