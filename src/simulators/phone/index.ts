/**
 * Simulated phones: one for each person, with a device key of its own, going through the real app API over HTTP.
 * What a phone's owner sees and does outside the app is read from, and done to, the other simulators; it is the only
 * place where a check number is read from the table of tickets, which the product itself never does for a phone.
 */
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { shanghaiDate } from '../../ports/clock.ts'
import type { SimulatorsDeps } from '../deps.ts'
import type { FaceSandbox } from '../face-provider/index.ts'
import { createAppClient } from './app-client.ts'
import { createJourney, type Journey } from './journey.ts'
import { createPhoneKeys } from './keys.ts'
import { findOwner, type PhoneOwner } from './people.ts'
import type { PhoneStore } from './store.ts'

export { findDemoPerson, findOwner, type PhoneOwner } from './people.ts'
export { createPhoneStore, type PhoneStore } from './store.ts'
export { runJourney, type Plan, type WholeOutcome } from './whole-journey.ts'
export type { Journey, PhoneView, Refusal } from './journey.ts'

export interface Phones {
  /** Starts a journey with a phone. Null: no such person (`owner`), or no such other phone (`device`). */
  begin(owner: PhoneOwner, device?: string, locale?: string): Promise<Journey | null>
  store: PhoneStore
}

export function createPhones (
  app: FastifyInstance,
  deps: SimulatorsDeps,
  sandbox: { faceService: FaceSandbox; phones: PhoneStore }
): Phones {
  const { db, config, clock } = deps
  const keys = createPhoneKeys(deps)
  const client = createAppClient({ issuer: config.issuer, origin: () => listeningOrigin(app), now: () => clock.now() })

  async function phoneName (owner: PhoneOwner, device: string): Promise<string | null> {
    if (device === 'bound' || device === 'new') return owner.handle
    return (await findOwner(deps, device))?.handle ?? null
  }

  return {
    store: sandbox.phones,
    async begin (owner, device = 'bound', locale = 'zh-CN') {
      const phone = await phoneName(owner, device)
      if (phone === null) return null
      const key = device === 'new' ? await keys.replace(phone) : await keys.of(phone)
      const journey = createJourney(owner, key, {
        client,
        locale,
        policyVersion: config.policyVersion,
        today: () => shanghaiDate(clock.now()),
        newKey: async () => await keys.replace(phone),
        async readCheckNumber (ticketId) {
          const row = await db
            .selectFrom('scanTicket')
            .select('checkNumber')
            .where('id', '=', ticketId)
            .executeTakeFirst()
          return row?.checkNumber ?? ''
        },
        async beforeCamera (checkId, outcome) {
          const row = await db
            .selectFrom('faceCheck')
            .select('providerTxn')
            .where('id', '=', checkId)
            .executeTakeFirst()
          return sandbox.faceService.decide(row?.providerTxn ?? '', outcome)
        }
      })
      sandbox.phones.put(journey)
      return journey
    }
  }
}

/** Where this process listens, for its own phones. @throws Error while it does not listen */
function listeningOrigin (app: FastifyInstance): string {
  const address = app.server.address() as AddressInfo | string | null
  if (address === null || typeof address === 'string') {
    throw new Error('The sandbox needs the server to listen on a port.')
  }
  const host = ['0.0.0.0', '::'].includes(address.address) ? '127.0.0.1' : address.address
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`
}
