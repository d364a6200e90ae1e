/** 总览 (A1). */
import { adminRoles } from '../../../domain/administration.ts'
import type { Console } from '../console.ts'
import type { AdminFramed } from '../models.ts'

export interface OverviewPage extends AdminFramed {}

declare module '../../../http/pages.ts' {
  interface Pages { 'admin/home': OverviewPage }
}

export function registerOverview (console: Console): void {
  console.page({ method: 'GET', path: '/admin', roles: adminRoles, handler: (c) => c.page('admin/home', {}) })
}
