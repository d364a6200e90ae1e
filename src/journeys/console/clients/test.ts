/**
 * 测试: the preview, the consent page drawn in a frame that runs and posts nothing, and the way into a test login
 * (trial.ts).
 */
import type { ClientRecord } from '../../../domain/client/record.ts'
import type { Role } from '../../../domain/representation/representation.ts'
import { locales, translator, type Locale } from '../../../http/locale.ts'
import { exampleNames, examplePeople, type ExampleName } from '../../developers/index.ts'
import { usesSecret } from '../../../records/clients/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import type { WithConsoleLayout } from '../layout.ts'
import { describeOwnClient, buildLayout, mayChange, buildPath, readers, type ClientLayout } from './layout.ts'
import { findRequestedApis } from '../../../records/resource-servers/index.ts'
import { previewConsent, buildPreview, previewRoles } from './preview.ts'
import { otherAlgorithm, testLoginObstacle } from './test-login-site.ts'

export interface ClientTestPage extends WithConsoleLayout {
  client: ClientLayout
  /** What the preview is of: message `clients.test.<id>`. */
  choices: Array<{
    id: 'person' | 'as' | 'in' | 'width'
    options: Array<{ value: string; label: string; current: boolean }>
  }>
  idToken: string
  userinfo: string
  /** `html`: the whole consent page; null: there is none. */
  consent: { skipped: boolean; html: string | null; width: 'narrow' | 'wide'; lang: string }
  /** Null: not possible, and why. */
  testLogin: { action: string; asksSecret: boolean } | null
  testLoginNote: string | null
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/clients/test': ClientTestPage
  }
}

const widths = ['narrow', 'wide'] as const

const json = (value: unknown): string => JSON.stringify(value, null, 2)

export function registerClientTest (console: Console): void {
  const { config, clock } = console.deps
  console.page({
    method: 'GET',
    path: '/admin/clients/:id/test',
    roles: readers,
    handler: async (c) => {
      const client = await describeOwnClient(c, console)
      const roles = previewRoles(client)
      const query = c.request.query as Record<string, unknown>
      const chosen = <const T extends string>(name: string, values: readonly T[], otherwise: T): T =>
        values.find((one) => one === query[name]) ?? otherwise
      const role = chosen<Role>('as', roles, roles[0] ?? 'self')
      const who = chosen('person', exampleNames, 'zhaxi')
      const locale = chosen('in', locales, 'zh-CN')
      const width = chosen('width', widths, 'narrow')
      const { idToken, userinfo } = buildPreview(client, { name: who, role, issuer: config.issuer, now: clock.now() })
      const note = testLoginNote(c, client)
      return c.page('console/clients/test', {
        client: buildLayout(c, client, 'test'),
        choices: [
          {
            id: 'person',
            options: exampleNames.map((one) => ({ value: one, label: examplePeople[one].name, current: one === who }))
          },
          {
            id: 'as',
            options: roles.map((one) => ({
              value: one,
              label: c.t(`console.clients.value.roles.${one}`),
              current: one === role
            }))
          },
          {
            id: 'in',
            options: locales.map((one) => ({
              value: one,
              label: translator(one)('lang.name'),
              current: one === locale
            }))
          },
          {
            id: 'width',
            options: widths.map((one) => ({
              value: one,
              label: c.t(`console.clients.test.width.${one}`),
              current: one === width
            }))
          }
        ],
        idToken: json(idToken),
        userinfo: json(userinfo),
        consent: {
          skipped: client.policy.trusted,
          html: await consentHtml(c, client, { who, locale }),
          width,
          lang: locale
        },
        testLogin:
          note === null
            ? { action: buildPath(client.clientId, 'test'), asksSecret: usesSecret(client.metadata) }
            : null,
        testLoginNote: note
      })
    }
  })

  /** The page itself, without its script: what a frame shows that may run nothing. */
  async function consentHtml (
    c: ConsoleRequest,
    client: ClientRecord,
    { who, locale }: { who: ExampleName; locale: Locale }
  ): Promise<string | null> {
    const granted = client.policy.resources
    const apis = await findRequestedApis(console.deps.db, client.clientId, {
      resource: Object.keys(granted),
      scope: Object.values(granted)
        .flatMap(({ scopes }) => scopes)
        .join(' ')
    })
    const model = previewConsent(client, who, { locale, apis })
    if (model === null) return null
    return c.request.server.renderer
      .html('login/consent', model, { ...c.request.pageContext, locale, url: '/' })
      .replace(/<script [^>]*><\/script>/, '')
  }

  function testLoginNote (c: ConsoleRequest, client: ClientRecord): string | null {
    if (!mayChange(c, client)) return c.t('console.clients.trial.not_yours')
    const obstacle = testLoginObstacle(client)
    return obstacle === null
      ? null
      : c.t(`console.clients.trial.not.${obstacle}`, { algorithm: otherAlgorithm(client) ?? '' })
  }
}
