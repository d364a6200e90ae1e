/**
 * What runs beside requests: sealing the audit chain, delivering the outbox, deleting what has expired, following the
 * company register, ending delegations past their last day, rotating the signing keys.
 */
import type { RuntimeDeps } from './deps.ts'
import type { Oidc } from '../oidc/index.ts'
import { logoutTopic, recordLogoutUndelivered, type LogoutDelivery } from '../records/sessions/index.ts'
import { createAuditSealer } from '../records/audit/index.ts'
import { delegationExpiry } from '../records/organizations/index.ts'
import { keySchedule } from '../records/keys/index.ts'
import { noticeHandler, noticeTopic, smsByAge, smsHandler, smsTopic } from '../records/messages/index.ts'
import { createOutboxWorker } from '../records/outbox/index.ts'
import { createRegisterFollower } from '../records/company-register/index.ts'
import { registrationHandler, registrationTopic } from '../journeys/registration/index.ts'
import { createCleanUp } from './clean-up.ts'
import { createPeriodicTask } from './periodic-task.ts'

export interface Workers {
  stop(): Promise<void>
}

export function startWorkers (deps: RuntimeDeps, oidc: Oidc): Workers {
  const outbox = createOutboxWorker({
    ...deps,
    handlers: {
      [logoutTopic]: async (payload: unknown) => {
        await oidc.deliverLogout(payload as LogoutDelivery)
      },
      [smsTopic]: smsHandler(deps),
      [noticeTopic]: noticeHandler(deps),
      [registrationTopic]: registrationHandler(deps)
    },
    givenUp: { [logoutTopic]: recordLogoutUndelivered(deps) },
    byAge: { [smsTopic]: smsByAge }
  })
  const sealer = createAuditSealer(deps)
  const cleanUp = createCleanUp(deps)
  const register = createRegisterFollower(deps)
  const expiry = createPeriodicTask(deps, delegationExpiry(deps))
  const keys = createPeriodicTask(deps, keySchedule(deps))
  outbox.start()
  sealer.start()
  cleanUp.start()
  register.start()
  expiry.start()
  keys.start()
  return {
    stop: async () => {
      await Promise.all([outbox.drain(), cleanUp.stop(), register.stop(), expiry.stop(), keys.stop()])
      // last: what the others recorded while they stopped is sealed too
      await sealer.stop()
    }
  }
}
