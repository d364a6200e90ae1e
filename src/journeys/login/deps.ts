import type { FastifyRequest } from 'fastify'
import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Database, FieldCrypto } from '../../database/index.ts'
import type { FieldError } from '../../domain/errors.ts'
import type { Oidc } from '../../oidc/index.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Config } from '../../ports/config.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { PasswordHasher } from '../../ports/password-hasher.ts'
import type { SignInMethod } from '../../records/administrators/index.ts'
import type { Audit } from '../../records/audit/index.ts'
import type { OrganizationLogin, Representations } from '../../records/organizations/index.ts'
import type { BrowserSide } from '../../records/scan-tickets/index.ts'

/** What login needs from outside; the composition root provides it. */
export interface LoginDeps {
  audit: Audit
  clock: Clock
  config: Pick<Config, 'facePolicy' | 'issuer' | 'organizationPasswordLogin' | 'phoneChannels' | 'policyVersion'>
  crypto: FieldCrypto
  db: Kysely<Database>
  hasher: PasswordHasher
  log: Logger
  metrics: Metrics
}

/** How administrators authenticate; the console provides it. */
export interface AdministratorAuthentication {
  /** Options for the authenticator. `again`: the account that must answer. */
  challenge(request: FastifyRequest, browserHash: string, again: { accountId: string } | null): Promise<object>
  prove(
    request: FastifyRequest,
    claimed: { browserHash: string; loginName: string; again: { accountId: string } | null }
  ): Promise<
    | { ok: true; accountId: string; method: SignInMethod }
    | { ok: false; status: number; errors: FieldError[]; retryAfterSeconds: number | null }
  >
}

/** What the steps need, constructed once with the login. */
export interface StepDeps extends LoginDeps {
  administrators: AdministratorAuthentication
  oidc: Oidc
  organizations: OrganizationLogin
  representations: Representations
  tickets: BrowserSide
}
