/**
 * 接口: the pages about APIs: the list and the form, the history, what is done to one, and the changes that need a
 * second administrator.
 */
import type { Console } from '../console.ts'
import { registerApiActs } from './acts.ts'
import { registerApiPages } from './apis.ts'
import { registerApiChanges } from './approval.ts'
import { registerApiHistory } from './history.ts'

export function registerApis (console: Console): void {
  registerApiChanges(console)
  registerApiPages(console)
  registerApiHistory(console)
  registerApiActs(console)
}
