import type { InTwoLanguages } from '../../../http/messages.ts'
import type fieldsEn from './fields.messages.en.json'
import type fieldsZh from './fields.messages.zh-CN.json'
import type en from './messages.en.json'
import type zh from './messages.zh-CN.json'

declare module '../../../http/messages.ts' {
  interface ConsoleMessages {
    'console/clients': InTwoLanguages<typeof zh, typeof en>
    'console/clients/fields': InTwoLanguages<typeof fieldsZh, typeof fieldsEn>
  }
}
