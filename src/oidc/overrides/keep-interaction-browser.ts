/**
 * Changes: an interaction keeps `browserHash`, the hash of the secret of the browser that started it.
 *
 * Reason: the library binds an interaction to a cookie whose value is its identifier, which is in the address bar. Kora
 * binds it to the secret of the browser (src/oidc/browser-binding.ts), so the hash must survive reading and saving.
 *
 * Relies on: lib/models/interaction.js (`IN_PAYLOAD`), lib/models/payload.js (keeps what it names);
 * oidc-provider 9.13.3.
 */
import type { Interaction, Provider } from 'oidc-provider'
import { addPayloadMember } from './add-payload-member.ts'
import type { InteractionBrowser } from './types.ts'

/** Must be called for each provider built, before it serves. */
export function keepInteractionBrowser (provider: Provider): void {
  addPayloadMember(provider.Interaction, 'browserHash')
}

/** Hash of the secret of the browser that started it; undefined: started by a version that did not store it. */
export const readInteractionBrowser = (interaction: Interaction): string | undefined =>
  (interaction as unknown as InteractionBrowser).browserHash
