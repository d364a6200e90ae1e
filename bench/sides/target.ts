/** The demo clients and people as the generator needs them; both sides register the same clients. */
import { demoClients, demoResource } from '../../src/simulators/demo-clients.ts'
import { demoPassword, demoPeople } from '../../src/simulators/demo-people.ts'
import type { Target } from '../load/target.ts'

/** @param site origin of the demo relying site, which nobody visits here */
export function target (port: number, site: string, paths: Target['paths']): Target {
  const clients = demoClients(site)
  const secretOf = (id: string): string => clients.find((client) => client.clientId === id)?.secret ?? ''
  const redirectUri = `${site}/callback`
  const scope = 'openid profile'
  return {
    host: '127.0.0.1',
    port,
    issuer: `http://localhost:${port}`,
    paths,
    clients: {
      site: { id: 'demo-site', secret: secretOf('demo-site'), redirectUri, scope },
      app: { id: 'demo-public', redirectUri, scope },
      machine: {
        id: 'demo-machine',
        secret: secretOf('demo-machine'),
        scope: 'property:read',
        opaque: demoResource,
        jwt: `${demoResource}:jwt`
      },
      resource: { id: 'demo-resource', secret: secretOf('demo-resource') }
    },
    // those whose face was verified once: a password is all they need; by number and by phone
    accounts: demoPeople
      .filter((person) => person.state === 'face-verified')
      .flatMap((person) => [person.certNo, person.phone].map((account) => ({ account, password: demoPassword })))
  }
}
