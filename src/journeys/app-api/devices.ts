/** The app's own device: register its key, read it, revoke it. */
import { sql } from 'kysely'
import { cleanLine } from '../../domain/plain-text.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { AppApiDeps } from './deps.ts'
import { maskCertNo, maskName } from '../../domain/identity/masking.ts'
import { registerAppKey, revokeDevice, type KnownDevice } from '../../records/devices/index.ts'
import { personById } from '../../records/persons/index.ts'
import type { Throttle } from '../../records/throttle/index.ts'
import { Problem } from './problems.ts'
import { route, type Answer, type Route } from './routes.ts'

// many phones share one address of their operator
const registrationsPerNetwork = { limit: 300, seconds: 3600 }

export function deviceRoutes (deps: AppApiDeps, throttle: Throttle): Route[] {
  const answer = async (status: number, device: KnownDevice): Promise<Answer> => {
    const person = device.personId === null ? null : await personById(deps.db, deps.crypto, device.personId)
    return {
      status,
      body: {
        device_id: device.id,
        label: device.label,
        bound: device.personId !== null,
        person:
          person === null ? null : { masked_name: maskName(person.name), masked_cert_no: maskCertNo(person.certNo) }
      }
    }
  }

  /** An unbound key is revoked like any other; `revokeDevice` is for owners. */
  const revokeUnbound = async (device: KnownDevice, address: string, traceId: string): Promise<void> => {
    await inTransaction(deps.db, async (trx) => {
      const row = await trx
        .updateTable('device')
        .set({ revokedAt: sql<Date>`now()` })
        .where('id', '=', device.id)
        .where('personId', 'is', null)
        .where('revokedAt', 'is', null)
        .returning('id')
        .executeTakeFirst()
      if (row !== undefined) {
        await deps.audit.record(trx, {
          type: 'device.revoked',
          deviceId: device.id,
          address,
          traceId,
          reason: 'by_device'
        })
      }
    })
  }

  return [
    route({
      method: 'POST',
      path: '/devices',
      operationId: 'registerDevice',
      summary: 'Make the key of the proof known. The same key again answers 200 with the same device.',
      body: 'NewDevice',
      answers: { 201: 'Device', 200: 'Device' },
      refusals: ['key_revoked', 'too_many_requests', 'invalid_fields'],
      newDevice: true,
      async handle ({ request, body, proof, actor }) {
        const { limit, seconds } = registrationsPerNetwork
        const hit = await throttle.hit(`app-device:${request.clientAddress.prefix}`, limit, seconds)
        if (!hit.allowed) {
          throw new Problem('too_many_requests', { headers: { 'retry-after': String(hit.retryAfterSeconds) } })
        }
        const label = cleanLine(body.label)
        const registered = await registerAppKey(deps, {
          publicJwk: proof.publicJwk,
          label,
          address: actor.address,
          traceId: actor.traceId
        })
        if (!registered.ok) throw new Problem(registered.code === 'key_revoked' ? 'key_revoked' : 'proof_key_invalid')
        return await answer(registered.created ? 201 : 200, registered.device)
      }
    }),
    route({
      method: 'GET',
      path: '/devices/me',
      operationId: 'readDevice',
      summary: 'This device, and whose it is (masked).',
      body: null,
      answers: { 200: 'Device' },
      async handle ({ device }) {
        return await answer(200, device as KnownDevice)
      }
    }),
    route({
      method: 'DELETE',
      path: '/devices/me',
      operationId: 'revokeDevice',
      summary: 'Revoke this key for good; the app makes a new one when it is needed again.',
      body: null,
      answers: { 204: null },
      async handle ({ device, actor }) {
        const { id, personId } = device as KnownDevice
        if (personId === null) await revokeUnbound(device as KnownDevice, actor.address, actor.traceId)
        else {
          await revokeDevice(deps, {
            deviceId: id,
            personId,
            reason: 'by_device',
            address: actor.address,
            traceId: actor.traceId
          })
        }
        return { status: 204 }
      }
    })
  ]
}
