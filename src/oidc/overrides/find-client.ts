/**
 * Changes: `Client.find` asks the cache of src/oidc/client-store.ts.
 *
 * Reason: the library calls the adapter several times in each request and keeps a client by a hash of its metadata. No
 * setting lets a process keep the parsed client, check it as a whole, or forget it when its record changes.
 *
 * Relies on: lib/models/client.js (static `find`; every look-up of the library goes through it); oidc-provider 9.13.3.
 */
import type { Client, Provider } from 'oidc-provider'

/** The library's own way: loads, validates and builds the client. */
export type LoadClient = (id: string) => Promise<Client | undefined>

export function replaceFindClient (
  provider: Provider,
  find: (id: string, load: LoadClient) => Promise<Client | undefined>
): void {
  const model = provider.Client
  const load = model.find.bind(model)
  model.find = async (id: unknown) =>
    typeof id === 'string' && id !== '' && !id.includes('\0') ? await find(id, load) : undefined
}
