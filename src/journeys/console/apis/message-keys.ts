import type { InTwoLanguages } from '../../../http/messages.ts'
import type en from './messages.en.json'
import type zh from './messages.zh-CN.json'

declare module '../../../http/messages.ts' {
  interface ConsoleMessages {
    'console/apis': InTwoLanguages<typeof zh, typeof en>
  }
}
