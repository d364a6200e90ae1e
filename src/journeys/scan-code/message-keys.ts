import type { InAllLanguages } from '../../http/messages.ts'
import type bo from './messages.bo.json'
import type en from './messages.en.json'
import type zh from './messages.zh-CN.json'

declare module '../../http/messages.ts' {
  interface Messages {
    'scan-code': InAllLanguages<typeof zh, typeof bo, typeof en>
  }
}
