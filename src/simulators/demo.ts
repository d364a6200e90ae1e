/** The demo: data for an empty database, and the demo relying site beside Kora (an ordinary OIDC client). */
import { ensureTryClient } from '../journeys/developers/index.ts'
import type { SimulatorsDeps } from './deps.ts'
import { demoClients, demoScope } from './demo-clients.ts'
import { seedDemoData } from './demo-data.ts'
import { demoOrganizations } from './demo-organizations.ts'
import { demoPassword, demoPeople } from './demo-people.ts'

export interface Demo {
  url: string
  close(): Promise<void>
}

const buildSiteOrigin = ({ config }: SimulatorsDeps): string => `http://localhost:${config.relyingSitePort ?? 3001}`

/** Writes the demo data into an empty database; leaves any other alone. */
export async function seedDemo (deps: SimulatorsDeps): Promise<void> {
  await seedDemoData(deps, buildSiteOrigin(deps))
  await ensureTryClient(deps)
}

export async function startDemo (deps: SimulatorsDeps): Promise<Demo | null> {
  const { config } = deps
  const port = config.relyingSitePort
  const site = buildSiteOrigin(deps)
  await seedDemo(deps)
  if (port === null) return null
  // loaded only here: the production image does not contain the examples
  const { startRelyingSite } = await import('../../examples/relying-site/relying-site.ts')
  const clients = demoClients(site)
  const deriveSecret = (clientId: string): string =>
    clients.find((client) => client.clientId === clientId)?.secret ?? ''
  return await startRelyingSite({
    port,
    host: config.host,
    issuer: config.issuer,
    clientId: 'demo-site',
    clientSecret: deriveSecret('demo-site'),
    resourceClient: { id: 'demo-resource', secret: deriveSecret('demo-resource') },
    baseUrl: site,
    scope: demoScope
  })
}

/** Accounts of the demo as rows of text, for the terminal. */
export const demoAccounts = (): { password: string; people: string[][]; organizations: string[][] } => ({
  password: demoPassword,
  people: demoPeople.map((person) => [person.handle, person.certNo, person.phone, person.name, person.state]),
  organizations: demoOrganizations
    .filter(({ account }) => account)
    .map((one) => [
      one.handle,
      one.uscc,
      one.legalRepresentative,
      one.delegations.map(({ agent, state }) => (state === 'active' ? agent : `${agent} (${state})`)).join(', '),
      one.name,
      one.status
    ])
})
