/** 我的信息 and 认证等级: masked; errors are corrected at their source. */
import type { FastifyInstance } from 'fastify'
import { maskCertNo, maskEmail, maskPhone, maskUscc } from '../../domain/identity/masking.ts'
import { loadMe, buildLayout, type Centre, type WithUserCenterLayout } from './me.ts'

/** 我的信息 and 认证等级. */
export interface HomePage extends WithUserCenterLayout {
  certType: string
  certNo: string
  validTo: string | null
  longTerm: boolean
  phone: string | null
  email: string | null
  /** ISO 8601. */
  verifiedAt: string | null
  organization: { name: string; uscc: string; since: string | null } | null
}

declare module '../../http/pages.ts' {
  interface Pages {
    'user-center/home': HomePage
  }
}

export function registerHome (app: FastifyInstance, centre: Centre): void {
  app.get('/me', async (request, reply) => {
    const me = await loadMe(centre, request, reply)
    const { person, representation } = me
    return reply.page('user-center/home', {
      shell: await buildLayout(centre, request, { me, current: 'home' }),
      certType: person.certType,
      certNo: maskCertNo(person.certNo),
      validTo: person.certValidTo,
      longTerm: person.certTerm === 'long',
      phone: person.phone === null ? null : maskPhone(person.phone),
      email: person.email === null ? null : maskEmail(person.email),
      verifiedAt: person.identityVerifiedAt?.toISOString() ?? null,
      organization:
        representation.role === 'self'
          ? null
          : {
              name: representation.organization.name,
              uscc: maskUscc(representation.organization.uscc),
              since:
                representation.role === 'legal_representative'
                  ? representation.since
                  : representation.delegation.validFrom
            }
    })
  })
}
