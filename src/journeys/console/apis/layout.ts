/** What every page about an API starts with. */
import type { AdminRole } from '../../../domain/administration/administration.ts'
import type { ResourceServerRecord, ResourceServerStatus } from '../../../domain/resource-server/record.ts'
import { findResourceServerById } from '../../../records/resource-servers/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'

export interface ApiFrame {
  id: string
  identifier: string
  name: string
  status: ResourceServerStatus
  version: number
}

export const readers: readonly AdminRole[] = ['system', 'security', 'audit']
export const writers: readonly AdminRole[] = ['system']
export const listPath = '/admin/apis'
export const buildPath = (id: string, tail = ''): string => `${listPath}/${id}${tail === '' ? '' : `/${tail}`}`

export const buildFrame = ({ id, identifier, names, status, version }: ResourceServerRecord): ApiFrame => ({
  id,
  identifier,
  name: names['zh-CN'],
  status,
  version
})

export const loadApi = async (c: ConsoleRequest, { deps }: Pick<Console, 'deps'>): Promise<ResourceServerRecord> =>
  (await findResourceServerById(deps.db, (c.request.params as { id: string }).id)) ?? c.notFound()
