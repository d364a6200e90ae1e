/**
 * Changes: `inFlight` of a device code names the browser that decides, as a hash; the library writes `true`.
 *
 * Reason: a code that one browser has taken up is used for every other one. The library knows only that somebody has
 * it, and the adapter gets no other member that it hands back.
 *
 * Relies on: lib/models/device_code.js (keeps `inFlight` as it is), lib/actions/code_verification.js (asks only whether
 * it is truthy); oidc-provider 9.13.3.
 */
import type { DeviceCode } from 'oidc-provider'
import type { DeviceCodeMembers } from './types.ts'

/** Undefined: nobody has taken the code up. */
export const readDeviceBrowser = (code: DeviceCode): unknown => (code as DeviceCodeMembers).inFlight
