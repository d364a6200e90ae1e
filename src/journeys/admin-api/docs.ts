/** The description as JSON, and as a page for reading: rendered here, no foreign script. */
import { adminApiResource, adminScopes } from '../../domain/administration/admin-scopes.ts'
import type { Console } from '../console/index.ts'
import { listRefusals } from './openapi.ts'
import { problemStatus } from './problems.ts'
import { prefix } from './routes.ts'
import { namedSchemas } from './schemas.ts'
import { apiRoutes } from './table.ts'
import { titles } from './titles.ts'

const words = {
  'zh-CN': {
    title: '管理接口参考',
    lead: '供程序使用的管理接口。访问令牌用 client_credentials 和 private_key_jwt 取得，资源标识如下；范围由管理员在管理台或命令行中授予。',
    resource: '资源标识',
    scopes: '范围',
    openapi: 'OpenAPI 文档（JSON）',
    scope: '范围',
    anyScope: '任一范围',
    body: '请求体',
    answer: '答复',
    refusals: '可能的拒绝',
    writes: '须说明理由（请求头 Kora-Reason 或成员 reason）',
    versioned: '须带 If-Match',
    parameters: '查询参数',
    codes: '错误码'
  },
  en: {
    title: 'Admin API reference',
    lead:
      'Administration for programs. Access tokens come from client_credentials with private_key_jwt for the resource ' +
      'below; scopes are given by an administrator in the console or on the command line.',
    resource: 'Resource',
    scopes: 'Scopes',
    openapi: 'OpenAPI description (JSON)',
    scope: 'Scope',
    anyScope: 'any',
    body: 'Body',
    answer: 'Answers',
    refusals: 'May be refused with',
    writes: 'Needs a reason (header Kora-Reason or member reason)',
    versioned: 'Needs If-Match',
    parameters: 'Query',
    codes: 'Codes'
  }
} as const

interface RouteView {
  id: string
  method: string
  path: string
  summary: string
  scope: string
  notes: string[]
  query: Array<{ name: string; description: string }>
  body: { name: string; schema: string } | null
  answers: Array<{ status: string; name: string; schema: string }>
  refusals: string
}

export interface ApiReferencePage {
  lang: 'zh-CN' | 'en'
  styles: string
  w: { [Name in keyof (typeof words)['en']]: string }
  resource: string
  scopes: readonly string[]
  routes: RouteView[]
  codes: Array<{ code: string; status: number; title: string }>
}

declare module '../../http/pages.ts' {
  interface Pages {
    'admin-api/reference': ApiReferencePage
  }
}

const schemaText = (name: keyof typeof namedSchemas): string => JSON.stringify(namedSchemas[name], null, 2)

export function registerReference (console: Console, description: object): void {
  const { config } = console.deps
  const text = JSON.stringify(description)
  console.open({
    method: 'GET',
    path: `${prefix}/openapi.json`,
    handler: (_request, reply) => reply.type('application/json; charset=utf-8').send(text)
  })
  console.open({
    method: 'GET',
    path: `${prefix}/docs`,
    handler: (request, reply) => {
      const lang = request.locale === 'en' ? 'en' : 'zh-CN'
      const w = words[lang]
      return reply.page('admin-api/reference', {
        lang,
        w,
        styles: request.server.renderer.assets.url('developers.css'),
        resource: adminApiResource(config.issuer),
        scopes: adminScopes,
        routes: apiRoutes.map((line): RouteView => ({
          id: line.operationId,
          method: line.method,
          path: prefix + line.path.replaceAll(/:(\w+)/g, '{$1}'),
          summary: line.summary,
          scope: line.scope ?? w.anyScope,
          notes: [...(line.writes ? [w.writes] : []), ...(line.versioned ? [w.versioned] : [])],
          query: line.query.map(({ name, description: about }) => ({ name, description: about })),
          body: line.picture
            ? { name: 'image/png, image/jpeg', schema: '' }
            : line.body === null
              ? null
              : { name: line.body, schema: schemaText(line.body) },
          answers: Object.entries(line.answers).map(([status, name]) => ({
            status,
            name: name ?? '–',
            schema: name === null ? '' : schemaText(name)
          })),
          refusals: listRefusals(line).join(', ')
        })),
        codes: Object.entries(problemStatus).map(([code, status]) => ({
          code,
          status,
          title: titles(lang)[code as keyof typeof problemStatus]
        }))
      })
    }
  })
}
