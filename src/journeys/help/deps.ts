import type { Config } from '../../ports/config.ts'

/** What help needs from outside; the composition root provides it. */
export interface HelpDeps {
  config: Pick<Config, 'demoData' | 'policyVersion' | 'relyingSitePort' | 'sandbox'>
}
