/**
 * Changes: starts the hosted login for a device code, with the cookies without which nobody may return to it.
 *
 * Reason: people type their code in on a page of Kora, which has its own session and rules. The library starts the
 * login only from its own page for the code, which is switched off.
 *
 * Relies on: lib/models/interaction.js (the payload), lib/actions/authorization/interactions.js (the same interaction
 * and cookies after the library's own page), lib/actions/authorization/resume.js (route `device_resume`, cookie
 * `resume`); oidc-provider 9.13.3.
 */
import type { Provider } from 'oidc-provider'
import type { InteractionConstructor, InteractionPayload } from './types.ts'

export interface InteractionCookie {
  name: string
  value: string
  path: string
}

/** @param paths of the hosted login and of the address that it returns to */
export async function createInteraction (
  provider: Provider,
  { uid, seconds, paths, payload }: {
    uid: string
    seconds: number
    paths: { login: string; resume: string }
    payload: Omit<InteractionPayload, 'returnTo'>
  }
): Promise<InteractionCookie[]> {
  const { Interaction } = provider as unknown as { Interaction: InteractionConstructor }
  await new Interaction(uid, { ...payload, returnTo: provider.issuer + paths.resume }).save(seconds)
  return [
    { name: provider.cookieName('interaction'), value: uid, path: paths.login },
    { name: provider.cookieName('resume'), value: uid, path: paths.resume }
  ]
}
