/** All routes, in the order of the description. */
import { clientLogoRoutes } from './client-logo.ts'
import { clientPartRoutes } from './client-parts.ts'
import { clientRoutes } from './clients.ts'
import { keyRoutes } from './keys.ts'
import { organizationRoutes } from './organizations.ts'
import { peopleRoutes } from './people.ts'
import { registrationTokenRoutes } from './registration-tokens.ts'
import { resourceServerRoutes } from './resource-servers.ts'
import type { Route } from './routes.ts'
import { trailRoutes } from './trail.ts'

export const apiRoutes: readonly Route[] = [
  ...clientRoutes,
  ...clientPartRoutes,
  ...clientLogoRoutes,
  ...resourceServerRoutes,
  ...registrationTokenRoutes,
  ...peopleRoutes,
  ...organizationRoutes,
  ...keyRoutes,
  ...trailRoutes
]
