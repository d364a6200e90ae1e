/**
 * Changes: `generateTokenId` of codes and tokens never gives an identifier that begins with `-` or `_`.
 *
 * Reason: codes and tokens are passed on command lines like every identifier, and the library has no setting for the
 * alphabet of a stored token. The library is asked again until one begins with a letter or a digit.
 *
 * Relies on: lib/models/base_token.js and formats (`generateTokenId`); oidc-provider 9.13.3.
 */
import type { Provider } from 'oidc-provider'
import { drawIdentifier } from '../../domain/identifier.ts'

interface Model {
  prototype: { generateTokenId(): string }
}

/** Must be called for each provider built, before it serves. */
export function chooseTokenIds (provider: Provider): void {
  const models = [
    provider.AuthorizationCode,
    provider.AccessToken,
    provider.RefreshToken,
    provider.ClientCredentials,
    provider.DeviceCode
  ]
  for (const { prototype } of models as unknown as Model[]) {
    const { generateTokenId } = prototype
    prototype.generateTokenId = function () {
      return drawIdentifier(() => generateTokenId.call(this))
    }
  }
}
