import type { InAllLanguages } from '../../http/messages.ts'
import type consentsBo from '../../records/consents/messages.bo.json'
import type consentsEn from '../../records/consents/messages.en.json'
import type consentsZh from '../../records/consents/messages.zh-CN.json'
import type bo from './messages.bo.json'
import type en from './messages.en.json'
import type zh from './messages.zh-CN.json'

declare module '../../http/messages.ts' {
  interface Messages {
    /** The words that people agree to. */
    consents: InAllLanguages<typeof consentsZh, typeof consentsBo, typeof consentsEn>
    login: InAllLanguages<typeof zh, typeof bo, typeof en>
  }
}
