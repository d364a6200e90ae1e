/** A device code (RFC 8628) as the pages of the login see it. */
import type { Provider } from 'oidc-provider'
import { artifactId } from '../tokens/artifact-repository.ts'
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
