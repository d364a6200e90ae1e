/**
 * 设置: what can be changed here, with its effect and its last change; what the environment decides; the health of every
 * outside service.
 */
import type { FieldError } from '../../../http/pages.ts'
import type { ConsoleDeps } from '../deps.ts'
import {
  readUnmaskingNeedsApproval,
  type SettingName,
  settingNames,
  type Settings,
  settingsSeconds
} from '../../../records/settings/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import type { WithConsoleLayout } from '../layout.ts'

export interface SettingView {
  name: SettingName
  fields: Array<{ name: string; value: string; fallback: string }>
  version: number
  changed: { by: string; at: string; reason: string } | null
}

export interface EnvironmentLine {
  variable: string
  value: string
  initial: string
  key: string
}

const vendors = ['face', 'population', 'companies', 'sms'] as const
type VendorName = (typeof vendors)[number]
export interface VendorView {
  name: VendorName
  variable: string
  host: string | null
  testable: boolean
  result: { reachable: boolean; fault: string | null; ms: number } | null
}

export interface SettingsPage extends WithConsoleLayout {
  settings: SettingView[]
  environment: EnvironmentLine[]
  vendors: VendorView[]
  seconds: number
  /** Personal data are unmasked only after a second administrator approves. */
  unmaskingNeedsApproval: boolean
  mayChange: boolean
}

/** Posts `csrf`, `version`, `reason` and the fields. */
export interface SettingPage extends WithConsoleLayout {
  name: SettingName
  fields: Array<{ name: string; value: string; fallback: string; now: string }>
  version: number
  reason: string
  errors: FieldError[]
  /** Somebody else changed it meanwhile: `now` of the fields are the new values. */
  stale: boolean
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/settings/settings': SettingsPage
    'console/settings/setting': SettingPage
  }
}

const listEnvironment = ({ config }: ConsoleDeps): EnvironmentLine[] => [
  { variable: 'POLICY_VERSION', value: config.policyVersion, initial: '2026-01', key: 'policy_version' },
  { variable: 'PASSWORD_PROFILE', value: config.passwordProfile, initial: 'standard', key: 'password_profile' },
  { variable: 'FACE_POLICY', value: config.facePolicy, initial: 'first-login', key: 'face_policy' },
  {
    variable: 'PHONE_CHANNELS',
    value: config.phoneChannels.app ? (config.phoneChannels.pages ? 'both' : 'app') : 'pages',
    initial: 'both',
    key: 'phone_channels'
  },
  { variable: 'FIELD_CIPHER', value: config.fieldCipher, initial: 'aes-256-gcm', key: 'field_cipher' },
  {
    variable: 'LOGIN_STARTS_PER_ADDRESS',
    value: String(config.loginStartsPerAddress),
    initial: '1000',
    key: 'login_starts'
  },
  { variable: 'EGRESS_ALLOWED', value: config.egressAllowed.join(', '), initial: '', key: 'egress' }
]

const readHost = (url: string | undefined): string | null => (url === undefined ? null : new URL(url).host)

export function registerSettings (console: Console, settings: Settings): void {
  const { deps } = console
  const { config } = deps
  const healthChecks: Record<VendorName, (() => Promise<{ reachable: boolean; fault?: string }>) | undefined> = {
    face: deps.face.health?.bind(deps.face),
    population: deps.population.health,
    companies: deps.companies.health,
    sms: deps.sms.health
  }
  const vendorViews = (tested: VendorName | null = null, result: VendorView['result'] = null): VendorView[] =>
    [
      { name: 'face' as const, variable: 'FACE_URL', host: readHost(config.face?.url) },
      {
        name: 'population' as const,
        variable: 'POPULATION_REGISTER_URL',
        host: readHost(config.populationRegister?.url)
      },
      { name: 'companies' as const, variable: 'COMPANY_REGISTER_URL', host: readHost(config.companyRegister?.url) },
      { name: 'sms' as const, variable: 'SMS_URL', host: readHost(config.sms?.url) }
    ].map((one) => ({
      ...one,
      testable: healthChecks[one.name] !== undefined,
      result: one.name === tested ? result : null
    }))

  const show = async (c: ConsoleRequest, vendors = vendorViews()): Promise<ReturnType<ConsoleRequest['page']>> =>
    c.page('console/settings/settings', {
      settings: (await settings.list()).map(
        ({ name, value, fallback, version, changedByName, changedAt, reason }) => ({
          name,
          fields: Object.entries(value).map(([field, text]) => ({
            name: field,
            value: text,
            fallback: (fallback as unknown as Record<string, string>)[field] ?? ''
          })),
          version,
          changed:
            changedAt === null ? null : { by: changedByName ?? '', at: changedAt.toISOString(), reason: reason ?? '' }
        })
      ),
      environment: listEnvironment(deps),
      vendors,
      seconds: settingsSeconds,
      unmaskingNeedsApproval: await readUnmaskingNeedsApproval(deps.db),
      mayChange: c.administrator.role === 'system'
    })

  console.page({
    method: 'GET',
    path: '/admin/settings',
    roles: ['system', 'security', 'audit'],
    handler: async (c) => await show(c)
  })

  const edit = async (
    c: ConsoleRequest,
    {
      typed,
      errors = [],
      stale = false
    }: {
      typed: { values: Record<string, string>; version: number; reason: string } | null
      errors?: FieldError[] | undefined
      stale?: boolean | undefined
    }
  ): Promise<ReturnType<ConsoleRequest['page']>> => {
    const row = (await settings.list()).find(({ name }) => name === (c.request.params as { name: string }).name)
    if (row === undefined) return c.notFound()
    return c.page(
      'console/settings/setting',
      {
        name: row.name,
        fields: Object.entries(row.value).map(([name, now]) => ({
          name,
          value: typed?.values[name] ?? now,
          fallback: (row.fallback as unknown as Record<string, string>)[name] ?? '',
          now
        })),
        // after both versions were shown the next try starts from the new one
        version: stale || typed === null ? row.version : typed.version,
        reason: typed?.reason ?? '',
        errors,
        stale
      },
      { status: stale ? 412 : errors.length > 0 ? 422 : 200 }
    )
  }

  console.page({
    method: 'GET',
    path: '/admin/settings/:name',
    roles: ['system'],
    reauth: true,
    handler: async (c) => await edit(c, { typed: null })
  })
  console.page({
    method: 'POST',
    path: '/admin/settings/:name',
    roles: ['system'],
    reauth: true,
    handler: async (c) => {
      const row = settingNames.find((one) => one === (c.request.params as { name: string }).name)
      if (row === undefined) return c.notFound()
      const fields = Object.keys(settings.current()[row])
      const typed = {
        values: Object.fromEntries(fields.map((field) => [field, c.field(field)])),
        version: Number(/^\d{1,9}$/.exec(c.field('version'))?.[0] ?? -1),
        reason: c.field('reason')
      }
      const confirmed = c.confirmed()
      if (!confirmed.ok) return await edit(c, { typed, errors: confirmed.errors })
      const saved = await settings.save(row, { ...typed, act: confirmed.act })
      if (saved.ok) return c.redirect('/admin/settings', 'saved')
      return saved.code === 'stale'
        ? await edit(c, { typed, errors: [{ field: 'form', code: 'stale' }], stale: true })
        : await edit(c, { typed, errors: saved.errors })
    }
  })

  console.page({
    method: 'POST',
    path: '/admin/settings/vendors/:vendor/test',
    roles: ['system'],
    handler: async (c) => {
      const name = vendors.find((one) => one === (c.request.params as { vendor: string }).vendor)
      const health = name === undefined ? undefined : healthChecks[name]
      if (name === undefined || health === undefined) return c.notFound()
      const begun = deps.clock.now()
      const { reachable, fault } = await health()
      return await show(
        c,
        vendorViews(name, { reachable, fault: fault ?? null, ms: Math.max(0, deps.clock.now() - begun) })
      )
    }
  })
  // after the language is changed on the page of a test
  console.page({
    method: 'GET',
    path: '/admin/settings/vendors/:vendor/test',
    roles: ['system'],
    handler: (c) => c.redirect('/admin/settings')
  })
}
