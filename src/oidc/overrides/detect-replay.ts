/**
 * Changes: `ReplayDetection.unique` asks one statement of the database.
 *
 * Reason: the library looks first and saves then, so two processes may both find nothing. A `jti` is used once over all
 * processes (client assertions: RFC 7523 §3; DPoP proofs: RFC 9449 §11.1), which the adapter's methods cannot decide.
 *
 * Relies on: lib/models/replay_detection.js (static `unique`), lib/shared/jwt_client_auth.js and
 * lib/helpers/validate_dpop.js (refuse what it denies); oidc-provider 9.13.3.
 */
import type { Provider } from 'oidc-provider'

/** @param noteUse false: the pair was used before. `exp` in epoch seconds */
export function replaceReplayDetection (
  provider: Provider,
  noteUse: (iss: string, jti: string, exp: number) => Promise<boolean>
): void {
  provider.ReplayDetection.unique = noteUse
}
