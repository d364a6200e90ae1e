/**
 * 应用: the pages about clients (list, wizard, tabs, tester, preview, test login, history). Everything is done by
 * records/clients; here it is only asked for and shown. Addresses of live clients and scopes of the highest kind wait
 * for a security administrator (frame.ts).
 */
import { clientRules } from '../../../records/clients/index.ts'
import type { Console } from '../console.ts'
import { registerClientActs } from './acts.ts'
import { registerClientAddresses } from './addresses.ts'
import { registerClientTabs } from './edit.ts'
import { registerClientChanges } from './layout.ts'
import { registerClientList } from './list.ts'
import { registerClientSnippets } from './snippets.ts'
import { registerClientTest } from './test.ts'
import { registerClientTestLogin } from './test-login.ts'
import { registerClientWizard } from './wizard.ts'

export function registerClientPages (console: Console): void {
  const rules = clientRules(console.deps.config)
  registerClientList(console, rules.scopes)
  registerClientWizard(console, rules)
  registerClientTabs(console, rules)
  registerClientAddresses(console, rules)
  registerClientActs(console, rules)
  registerClientSnippets(console)
  registerClientTest(console)
  registerClientTestLogin(console)
  registerClientChanges(console)
}
