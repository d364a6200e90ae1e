import type { WithUserCenterLayout } from '../me.ts'

/** After the scan, and every reason for which it did not count. */
export interface AgentResultPage extends WithUserCenterLayout {
  outcome:
    | 'approved'
    | 'stale'
    | 'not_legal_representative'
    | 'self_approval'
    | 'face_required'
    | 'too_many_agents'
    | 'rejected'
    | 'suspended'
    | 'revoked'
  name: string
  validTo: string | null
  againHref: string | null
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'user-center/agents/result': AgentResultPage
  }
}
