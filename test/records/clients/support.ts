/** The registry on a test database, and whole clients to register. */
import { write } from '../../../src/database/transaction.ts'
import type { Act } from '../../../src/domain/administration/administration.ts'
import { createAudit } from '../../../src/records/audit/index.ts'
import { createClient, type Created, type RegistryServices } from '../../../src/records/clients/index.ts'
import { loadConfig } from '../../../src/config.ts'
import type { TestDatabase } from '../../support/database.ts'

export const registryOn = ({ db, crypto }: TestDatabase, env: Record<string, string> = {}): RegistryServices => ({
  db,
  crypto,
  audit: createAudit({ crypto }),
  config: loadConfig({ NODE_ENV: 'test', SANDBOX: 'off', ISSUER: 'https://sso.example.gov.cn', FACE_URL: '', ...env })
})

export const act: Act = { actor: 'admin:a1', reason: '新应用接入', address: '10.0.0.7', traceId: 'trace-1' }

export const input = (
  metadata: object = {},
  policy: object = {},
  kind = 'server'
): { kind: string; metadata: Record<string, unknown>; policy: Record<string, unknown> } => ({
  kind,
  metadata: { redirect_uris: ['https://a.gov.cn/cb'], scope: 'openid profile', ...metadata },
  policy: { names: { 'zh-CN': '公积金查询' }, unit: '市公积金中心', purposes: { profile: '显示姓名' }, ...policy }
})

export async function made (
  services: RegistryServices,
  clientId: string,
  given: unknown = input(),
  status: 'draft' | 'test' | 'live' = 'test'
): Promise<Extract<Created, { outcome: 'created' }>> {
  const created = await write(services, createClient, { act, content: given, clientId, status, approved: true })
  if (created.outcome !== 'created') throw new Error(JSON.stringify(created))
  return created
}
