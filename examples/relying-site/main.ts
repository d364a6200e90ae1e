/**
 * Starts the sample site from the environment:
 *
 *   ISSUER=http://localhost:3000 CLIENT_ID=… CLIENT_SECRET=… node examples/relying-site/main.ts
 *
 * Optional: RP_PORT (3001), RP_HOST (localhost), RP_BASE_URL (http://localhost:<port>), RP_NAME, SCOPE,
 * RESOURCE_CLIENT_ID and RESOURCE_CLIENT_SECRET (the credentials with which the sample API introspects).
 */
import { startRelyingSite, type RelyingSiteOptions } from './relying-site.ts'

const env = process.env
const { CLIENT_ID: clientId, CLIENT_SECRET: clientSecret } = env
if (!clientId || !clientSecret) {
  console.error('CLIENT_ID and CLIENT_SECRET are needed: register this site at the identity provider first.')
  process.exit(1)
}

const options: RelyingSiteOptions = {
  port: Number(env.RP_PORT || 3001),
  issuer: env.ISSUER || 'http://localhost:3000',
  clientId,
  clientSecret,
  logger: true
}
if (env.RP_HOST) options.host = env.RP_HOST
if (env.RP_BASE_URL) options.baseUrl = env.RP_BASE_URL
if (env.RP_NAME) options.name = env.RP_NAME
if (env.SCOPE) options.scope = env.SCOPE
if (env.RESOURCE_CLIENT_ID && env.RESOURCE_CLIENT_SECRET) {
  options.resourceClient = { id: env.RESOURCE_CLIENT_ID, secret: env.RESOURCE_CLIENT_SECRET }
}

const site = await startRelyingSite(options)
console.log(`${options.name ?? 'Sample relying site'}: ${site.url} (identity provider ${options.issuer})`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    site.close().then(
      () => process.exit(0),
      () => process.exit(1)
    )
  })
}
