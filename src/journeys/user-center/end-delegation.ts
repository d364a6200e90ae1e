import type { FormTarget } from '../../http/pages.ts'
import type { WithUserCenterLayout } from './me.ts'

/** 停用, 撤销 (by the legal representative); 辞去, 撤回 (by the agent). Posts `csrf`, `text` (the first two). */
export interface EndDelegationPage extends WithUserCenterLayout, FormTarget {
  act: 'suspend' | 'revoke' | 'resign' | 'withdraw'
  name: string
  text: string
  backHref: string
}

declare module '../../http/pages.ts' {
  interface Pages {
    'user-center/end-delegation': EndDelegationPage
  }
}
