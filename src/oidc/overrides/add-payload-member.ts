/**
 * Changes: a model of the library keeps one member more when it is saved and read.
 *
 * Reason: interactions know the browser that started them and sessions the organization that they are confined to, and
 * the library's models keep a closed list of members.
 *
 * Relies on: lib/models/base_model.js (`IN_PAYLOAD`) and lib/models/payload.js, which keeps what it names;
 * oidc-provider 9.13.3.
 */
import type { PayloadMembers } from './types.ts'

/** Must be called for each provider built, before it serves. @param model a class of the provider, as `Interaction` */
export function addPayloadMember (model: unknown, name: string): void {
  const { IN_PAYLOAD: before } = model as PayloadMembers
  const members = [...before, name]
  Object.defineProperty(model, 'IN_PAYLOAD', { configurable: true, get: () => members })
}
