/**
 * The simulators: everything around Kora that a fresh checkout does not have. A face verification provider and two
 * registers are HTTP services, reached through the same adapters and signatures as real ones. There are an outbox for
 * short messages, phones, and /sandbox, where all of it is shown, changed and scripted. They keep their data in memory
 * and refuse to run in production, with every configuration.
 */
import type { Logger } from 'pino'
import { newIdentifier } from '../domain/identifier.ts'
import type { Config, Vendor } from '../ports/config.ts'
import type { SmsSender } from '../ports/sms.ts'
import { createFaceSandbox, type FaceSandbox } from './face-provider/index.ts'
import { createPhoneStore, type PhoneStore } from './phone/index.ts'
import {
  createCompanySandbox,
  createRegisterSandbox,
  type CompanySandbox,
  type RegisterSandbox
} from './registers/index.ts'
import { demoCompanies } from './demo-companies.ts'
import { createPopulation, type Population } from './sandbox/population.ts'
import { createSmsSandbox, type SandboxMessage } from './sms/index.ts'

export { registerSandbox } from './sandbox/register.ts'

export interface Sandbox {
  /** Where the simulated vendors are and the keys of this start, for the production adapters. */
  face: Vendor
  register: Vendor
  companyRegister: Vendor
  sms: SmsSender & { messages(phone?: string): SandboxMessage[] }
  faceService: FaceSandbox
  registerService: RegisterSandbox
  companyService: CompanySandbox
  population: Population
  /** Journeys of simulated phones. */
  phones: PhoneStore
  close(): Promise<void>
}

/** Starts the simulated vendors, each on its own port. @throws Error where simulators may not run */
export async function startSandbox (config: Readonly<Config>, log: Logger): Promise<Sandbox> {
  if (config.environment === 'production' || process.env['NODE_ENV'] === 'production') {
    throw new Error('The sandbox never runs in production. Remove SANDBOX, or start without NODE_ENV=production.')
  }
  if (!config.simulated) throw new Error('The sandbox runs where ISSUER is this machine. See SANDBOX_FOR_STRANGERS.')
  const key = (keyId: string): { keyId: string; algorithm: 'hmac-sha256'; secret: string } => ({
    keyId,
    algorithm: 'hmac-sha256',
    secret: newIdentifier(32)
  })
  const [faceKey, registerKey, companyKey] = [
    key('sandbox-face'),
    key('sandbox-register'),
    key('sandbox-company-register')
  ]
  const population = createPopulation()
  const faceService = await createFaceSandbox({
    keys: [faceKey],
    population: (certNo, name) => population.compare(certNo, name)
  })
  const registerService = await createRegisterSandbox({
    keys: [registerKey],
    lookup: ({ certNo, name }) => (population.get(certNo).available ? population.compare(certNo, name) : 'unavailable')
  })
  const companyService = await createCompanySandbox({ keys: [companyKey], rows: demoCompanies() })
  const close = async (): Promise<void> => {
    await faceService.close()
    await registerService.close()
    await companyService.close()
  }
  try {
    const face = {
      url: await faceService.listen(config.sandboxFacePort, faceHost(config.host)),
      keyId: faceKey.keyId,
      secret: faceKey.secret
    }
    const register = { url: await registerService.listen(), keyId: registerKey.keyId, secret: registerKey.secret }
    const companyRegister = { url: await companyService.listen(), keyId: companyKey.keyId, secret: companyKey.secret }
    log.info({ component: 'sandbox', port: Number(new URL(face.url).port) }, 'simulators started')
    return {
      face,
      register,
      companyRegister,
      sms: createSmsSandbox(),
      faceService,
      registerService,
      companyService,
      population,
      phones: createPhoneStore(),
      close
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** The adapter speaks plain http with this machine only, so the service is always there too. */
const faceHost = (host: string): string => (['localhost', '127.0.0.1', '::1'].includes(host) ? host : '0.0.0.0')
