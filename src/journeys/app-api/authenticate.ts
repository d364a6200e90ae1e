/** Authenticates the caller: hooks that turn the header `DPoP` into a device, or into a 401 that is audited. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import { artifactId } from '../../tokens/artifact-repository.ts'
import { noteUse } from '../../tokens/replay.ts'
import type { AppApiDeps } from './deps.ts'
import { deviceByThumbprint, type KnownDevice } from '../../records/devices/index.ts'
import type { Throttle } from '../../records/throttle/index.ts'
import { Problem, problemStatus } from './problems.ts'
import { hashOfBody, proofSkewSeconds, verifyProof, type Proof } from './proofs.ts'

export interface Caller {
  proof: Proof
  device: KnownDevice | null
  body: Buffer | null
}

/** Refused proofs recorded for one network in ten minutes; a flood must not fill the audit trail. */
const auditLimit = { limit: 20, seconds: 600 }

export interface Authentication {
  /** The raw body, kept by the body parser for the hash. */
  keepBody(request: FastifyRequest, body: Buffer): void
  requireCaller(request: FastifyRequest): Caller
  recordRefusal(request: FastifyRequest, problem: Problem): Promise<void>
}

interface AuthenticateInput {
  throttle: Throttle
  needsProof: (request: FastifyRequest) => boolean
  takesNewKeys: (request: FastifyRequest) => boolean
}

/**
 * @param needsProof false for routes that answer anybody; also false for what is no route
 * @param takesNewKeys routes for keys that are not known yet
 */
export function authenticate (
  scope: FastifyInstance,
  deps: AppApiDeps,
  { throttle, needsProof, takesNewKeys }: AuthenticateInput
): Authentication {
  const callers = new WeakMap<FastifyRequest, Caller>()
  const requireCaller = (request: FastifyRequest): Caller => {
    const caller = callers.get(request)
    if (caller === undefined) throw new Error('no proof was checked for this request')
    return caller
  }

  // before the body is read: a stranger costs one signature check only
  scope.addHook('onRequest', async (request) => {
    if (!needsProof(request)) return
    const verdict = await verifyProof(request.headers['dpop'], {
      method: request.method,
      issuer: deps.config.issuer,
      path: request.url.split('?')[0] ?? '',
      now: deps.clock.now()
    })
    if (!verdict.ok) throw new Problem(verdict.code)
    const device = await deviceByThumbprint(deps.db, verdict.proof.thumbprint)
    if (device === null && !takesNewKeys(request)) throw new Problem('device_unknown')
    callers.set(request, { proof: verdict.proof, device, body: null })
  })

  scope.addHook('preValidation', async (request) => {
    if (!needsProof(request)) return
    const { proof, body } = requireCaller(request)
    const bodyHash = hashOfBody(body)
    if (proof.bodyHash === null ? request.method === 'POST' || body !== null : proof.bodyHash !== bodyHash) {
      throw new Problem('proof_body_mismatch')
    }
    // a thumbprint or client_id has no line break, so nothing else is stored under such a name
    const fresh = await noteUse(
      deps.db,
      artifactId('ReplayDetection', `app proof\n${proof.thumbprint}\n${proof.jti}`),
      3 * proofSkewSeconds
    )
    if (!fresh) throw new Problem('proof_replayed')
  })

  return {
    keepBody (request, body) {
      // what is no route has no caller
      const caller = callers.get(request)
      if (caller !== undefined) callers.set(request, { ...caller, body })
    },
    requireCaller,
    async recordRefusal (request, problem) {
      if (problemStatus[problem.code] !== 401) return
      const { ip, prefix } = request.clientAddress
      const hit = await throttle.hit(`app-proof-refused:${prefix}`, auditLimit.limit, auditLimit.seconds)
      if (!hit.allowed) return
      await inTransaction(deps.db, async (trx) => {
        await deps.audit.record(trx, {
          type: 'device.proof-refused',
          deviceId: callers.get(request)?.device?.id,
          address: ip,
          traceId: String(request.id),
          reason: problem.code
        })
      })
    }
  }
}
