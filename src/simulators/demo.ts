/** The demo: data for an empty database, and the demo relying site beside Kora (an ordinary OIDC client). */
import { ensureTryClient } from '../journeys/developers/index.ts'
import type { Services } from '../services.ts'
import { demoClients, demoScope } from './demo-clients.ts'
import { seedDemoData } from './demo-data.ts'

export interface Demo {
  url: string
  close(): Promise<void>
}

const siteOf = ({ config }: Services): string => `http://localhost:${config.relyingSitePort ?? 3001}`

/** Writes the demo data into an empty database; leaves any other alone. */
export async function seedDemo (services: Services): Promise<void> {
  await seedDemoData(services, siteOf(services))
  await ensureTryClient(services)
}

export async function startDemo (services: Services): Promise<Demo | null> {
  const { config } = services
  const port = config.relyingSitePort
  const site = siteOf(services)
  await seedDemo(services)
  if (port === null) return null
  // loaded only here: the production image does not contain the examples
  const { startRelyingSite } = await import('../../examples/relying-site/relying-site.ts')
  const clients = demoClients(site)
  const secretOf = (clientId: string): string => clients.find((client) => client.clientId === clientId)?.secret ?? ''
  return await startRelyingSite({
    port,
    host: config.host,
    issuer: config.issuer,
    clientId: 'demo-site',
    clientSecret: secretOf('demo-site'),
    resourceClient: { id: 'demo-resource', secret: secretOf('demo-resource') },
    baseUrl: site,
    scope: demoScope
  })
}
