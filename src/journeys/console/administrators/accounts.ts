/**
 * 账号: the accounts of administrators. A system administrator asks for a new account, and a security administrator
 * approves it. Only the very first security administrator is invited by one administrator, because nobody else could
 * approve yet.
 */
import { sql, type Transaction } from 'kysely'
import { adminRoles, type Act, type AdminRole } from '../../../domain/administration/administration.ts'
import { resetApprovers } from '../../../domain/administration/approval-kinds.ts'
import { shownUserCode } from '../../../domain/login/user-code.ts'
import type { Database } from '../../../database/schema.ts'
import { inTransaction } from '../../../database/transaction.ts'
import type { FieldError } from '../../../http/pages.ts'
import {
  accountById,
  accountColumns,
  type AccountRow,
  createInvited,
  credentialEvents,
  disableAccount,
  parseDisplayName,
  parseLoginName,
  makeLink,
  newLinkCode,
  type OwnEvent,
  resetAccount,
  hasPassword
} from '../../../records/administrators/index.ts'
import { countAccountSessions, endAccountSessions } from '../../../records/own-sites/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import { buildPage, readList, type Pager } from '../lists.ts'
import type { WithConsoleLayout } from '../layout.ts'

const readers: readonly AdminRole[] = ['system', 'security', 'audit']

export interface AccountLine {
  id: string
  loginName: string
  name: string
  role: AdminRole
  status: AccountRow['status']
  lastSignIn: string | null
}

export interface AccountsPage extends WithConsoleLayout {
  rows: AccountLine[]
  filters: { role: string; status: string }
  pager: Pager
  roles: readonly AdminRole[]
  mayInvite: boolean
}

/** Posts `csrf`, `login_name`, `display_name`, `role`, `reason`. */
export interface InvitePage extends WithConsoleLayout {
  loginName: string
  displayName: string
  role: string
  reason: string
  roles: readonly AdminRole[]
  errors: FieldError[]
  isLastOfRole: boolean
  nobody: boolean
}

export interface AccountPage extends WithConsoleLayout {
  account: AccountLine & { createdAt: string; createdBy: string }
  passkeys: Array<{ label: string; at: string; lastUsed: string | null }>
  password: boolean
  /** What was last done with its credentials. */
  events: Array<{ type: OwnEvent['type']; at: string }>
  sessions: number
  may: { disable: boolean; reset: boolean; end: boolean }
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/administrators/accounts': AccountsPage
    'console/administrators/invite': InvitePage
    'console/administrators/account': AccountPage
  }
}

const toAccountLine = (row: AccountRow): AccountLine => ({
  id: row.id,
  loginName: row.loginName,
  name: row.displayName,
  role: row.role,
  status: row.status,
  lastSignIn: row.lastSignInAt?.toISOString() ?? null
})

export function registerAccounts (console: Console): void {
  const { deps, approvals } = console
  const { db, config } = deps

  const linkFor = async (
    trx: Transaction<Database>,
    {
      accountId,
      role,
      purpose,
      act,
      codeMac
    }: { accountId: string; role: AdminRole; purpose: 'invitation' | 'reset'; act: Act; codeMac: string | null }
  ): Promise<string> => {
    const link = await makeLink(trx, config.issuer, { purpose, role, accountId, createdBy: act.actor, codeMac })
    await deps.audit.record(trx, {
      type: 'staff.link-made',
      ...act,
      role,
      details: { purpose, accountId }
    })
    return link
  }

  /** Asks, and shows the code that is needed beside the link, only to the administrator who asks and only once. */
  const askFor = async (
    c: ConsoleRequest,
    {
      kind,
      subject,
      payload,
      act,
      approvers
    }: {
      kind: 'account.invite' | 'account.reset'
      subject: string
      payload: object
      act: Act
      approvers?: readonly AdminRole[]
    }
  ): Promise<ReturnType<ConsoleRequest['page']>> => {
    const { code, mac } = newLinkCode(deps.crypto)
    const asked = await inTransaction(
      db,
      async (trx) =>
        await approvals.request(trx, {
          kind,
          payload: { ...payload, codeMac: mac },
          subject,
          act,
          ...(approvers === undefined ? {} : { approvers })
        })
    )
    const backHref = `/admin/approvals/${asked.id}`
    return asked.ok
      ? c.page('console/once', {
        title: c.t('console.administrators.code.title'),
        lead: c.t('console.administrators.code.lead'),
        label: c.t('console.administrators.code.label'),
        value: shownUserCode(code),
        backHref
      })
      : c.redirect(backHref, 'change_waiting')
  }

  approvals.register<{ loginName: string; displayName: string; role: AdminRole; codeMac?: string }>('account.invite', {
    describe: async (_db, { loginName, displayName, role }, t) => ({
      title: t('console.approvals.change.account.invite'),
      facts: [
        { name: t('console.administrators.account.role'), value: t(`console.role.${role}`) },
        { name: t('console.administrators.account.name'), value: displayName },
        { name: t('console.administrators.account.login_name'), value: loginName }
      ]
    }),
    async apply (trx, { codeMac, ...names }, { act }) {
      if (codeMac === undefined) return { ok: false, code: 'without_code' }
      const id = await createInvited(trx, deps, { ...names, act })
      return id === null
        ? { ok: false, code: 'name_taken' }
        : {
            ok: true,
            once: {
              label: names.loginName,
              value: await linkFor(trx, { accountId: id, role: names.role, purpose: 'invitation', act, codeMac })
            }
          }
    }
  })

  approvals.register<{ accountId: string; codeMac?: string }>('account.reset', {
    async describe (from, { accountId }, t) {
      const account = await accountById(from, accountId)
      return account === null || account.status === 'disabled'
        ? null
        : {
            title: t('console.approvals.change.account.reset'),
            facts: [
              { name: t('console.administrators.account.name'), value: account.displayName },
              { name: t('console.administrators.account.login_name'), value: account.loginName },
              { name: t('console.administrators.account.role'), value: t(`console.role.${account.role}`) }
            ]
          }
    },
    async apply (trx, { accountId, codeMac }, { act, requestedBy }) {
      if (codeMac === undefined) return { ok: false, code: 'without_code' }
      const account = await accountById(trx, accountId)
      const [asker, approver] = [await readRole(trx, requestedBy), await readRole(trx, act.actor)]
      if (
        account !== null &&
        (asker === null || approver === null || !resetApprovers(account.role, asker).includes(approver))
      ) {
        return { ok: false, code: 'not_waiting' }
      }
      if (account === null || !(await resetAccount(trx, deps, { id: accountId, act }))) {
        return { ok: false, code: 'gone' }
      }
      return {
        ok: true,
        once: {
          label: account.loginName,
          value: await linkFor(trx, { accountId, role: account.role, purpose: 'reset', act, codeMac })
        }
      }
    }
  })

  const readRole = async (trx: Transaction<Database>, actor: Act['actor']): Promise<AdminRole | null> =>
    (await accountById(trx, actor.replace(/^admin:/, '')))?.role ?? null

  /** There has never been a security administrator here, and nobody is invited as one. */
  const isLastOf = async (role: AdminRole): Promise<boolean> =>
    role === 'security' &&
    (await db
      .selectFrom('adminAccount')
      .select('id')
      .where('role', '=', 'security')
      .where((where) => where.or([where('status', '<>', 'disabled'), where('lastSignInAt', 'is not', null)]))
      .limit(1)
      .executeTakeFirst()) === undefined

  console.page({
    method: 'GET',
    path: '/admin/accounts',
    roles: readers,
    handler: async (c) => {
      const list = readList(c.request, ['role', 'status'], 1)
      const { role, status } = list.filters
      const found = await db
        .selectFrom('adminAccount')
        .select(accountColumns)
        .$if(role !== '', (query) => query.where('role', '=', role as AdminRole))
        .$if(status !== '', (query) => query.where('status', '=', status as AccountRow['status']))
        .$if(list.after !== null, (query) => query.where('loginName', '>', list.after?.[0] ?? ''))
        .orderBy('loginName')
        .limit(list.limit)
        .execute()
      const { rows, pager } = buildPage(list, found, (row) => [row.loginName])
      if (list.csv) {
        return c.csv(
          'accounts.csv',
          ['id', 'login_name', 'name', 'role', 'status', 'last_sign_in'],
          rows.map((row) => [
            row.id,
            row.loginName,
            row.displayName,
            row.role,
            row.status,
            row.lastSignInAt?.toISOString() ?? null
          ])
        )
      }
      return c.page('console/administrators/accounts', {
        rows: rows.map(toAccountLine),
        filters: list.filters,
        pager,
        roles: adminRoles,
        mayInvite: c.administrator.role === 'system'
      })
    }
  })

  const invite = async (
    c: ConsoleRequest,
    typed: { loginName: string; displayName: string; role: string; reason: string },
    errors: FieldError[] = []
  ): Promise<ReturnType<ConsoleRequest['page']>> =>
    c.page(
      'console/administrators/invite',
      {
        ...typed,
        roles: adminRoles,
        errors,
        isLastOfRole: await isLastOf('security'),
        nobody: (await approvals.approversLeft(['security'], `admin:${c.administrator.id}`)) === 0
      },
      { status: errors.length > 0 ? 422 : 200 }
    )

  console.page({
    method: 'GET',
    path: '/admin/accounts/new',
    roles: ['system'],
    reauth: true,
    handler: async (c) =>
      await invite(c, {
        loginName: '',
        displayName: '',
        role: (await isLastOf('security')) ? 'security' : '',
        reason: ''
      })
  })
  console.page({
    method: 'POST',
    path: '/admin/accounts/new',
    roles: ['system'],
    reauth: true,
    handler: async (c) => {
      const typed = {
        loginName: c.field('login_name'),
        displayName: c.field('display_name'),
        role: c.field('role'),
        reason: c.field('reason')
      }
      const loginName = parseLoginName(typed.loginName)
      const displayName = parseDisplayName(typed.displayName)
      const role = adminRoles.find((one) => one === typed.role)
      const confirmed = c.confirmed()
      const errors: FieldError[] = []
      if (loginName === null) errors.push({ field: 'login_name', code: 'invalid' })
      else if (
        (await db.selectFrom('adminAccount').select('id').where('loginName', '=', loginName).executeTakeFirst()) !==
        undefined
      ) {
        errors.push({ field: 'login_name', code: 'taken' })
      }
      if (displayName === null) errors.push({ field: 'display_name', code: 'invalid' })
      if (role === undefined) errors.push({ field: 'role', code: 'required' })
      if (!confirmed.ok) errors.push(...confirmed.errors)
      if (loginName === null || displayName === null || role === undefined || !confirmed.ok || errors.length > 0) {
        return await invite(c, typed, errors)
      }
      const names = { loginName, displayName, role }
      if (await isLastOf(role)) {
        const link = await inTransaction(db, async (trx) => {
          // two requests at once: one of them is the first
          await sql`lock table admin_account in share row exclusive mode`.execute(trx)
          const other = await trx
            .selectFrom('adminAccount')
            .select('id')
            .where('role', '=', role)
            .where('status', '<>', 'disabled')
            .executeTakeFirst()
          const id = other === undefined ? await createInvited(trx, deps, { ...names, act: confirmed.act }) : null
          return id === null
            ? null
            : await linkFor(trx, { accountId: id, role, purpose: 'invitation', act: confirmed.act, codeMac: null })
        })
        if (link !== null) {
          return c.page('console/once', {
            title: c.t('console.administrators.invited.title'),
            lead: c.t('console.administrators.invited.lead'),
            label: loginName,
            value: link,
            backHref: '/admin/accounts'
          })
        }
      }
      return await askFor(c, { kind: 'account.invite', subject: loginName, payload: names, act: confirmed.act })
    }
  })

  const found = async (c: ConsoleRequest): Promise<AccountRow> =>
    (await accountById(db, (c.request.params as { id: string }).id)) ?? c.notFound()
  /** Security administrators end accounts; an invitation may also be withdrawn by those who may ask for accounts. */
  const mayDisable = (c: ConsoleRequest, account: AccountRow): boolean =>
    account.id !== c.administrator.id &&
    account.status !== 'disabled' &&
    (c.administrator.role === 'security' ||
      (c.administrator.role === 'system' && account.status === 'invited' && account.lastSignInAt === null))

  console.page({
    method: 'GET',
    path: '/admin/accounts/:id',
    roles: readers,
    handler: async (c) => {
      const account = await found(c)
      const passkeys = await db
        .selectFrom('adminCredential')
        .select(['label', 'createdAt', 'lastUsedAt'])
        .where('accountId', '=', account.id)
        .orderBy('createdAt')
        .execute()
      const sessions = await countAccountSessions(db, account.id)
      const { role } = c.administrator
      const live = account.status !== 'disabled' && account.id !== c.administrator.id
      return c.page('console/administrators/account', {
        account: {
          ...toAccountLine(account),
          createdAt: account.createdAt.toISOString(),
          createdBy: account.createdBy
        },
        passkeys: passkeys.map((one) => ({
          label: one.label,
          at: one.createdAt.toISOString(),
          lastUsed: one.lastUsedAt?.toISOString() ?? null
        })),
        password: await hasPassword(db, account.id),
        events: (await credentialEvents(db, account.id)).map(({ type, at }) => ({ type, at: at.toISOString() })),
        sessions,
        may: {
          disable: mayDisable(c, account),
          reset: live && role !== 'audit',
          end: live && role === 'security' && sessions > 0
        }
      })
    }
  })

  /** The page before an act on an account, and the act. */
  const act = ({
    name,
    roles,
    allowed,
    work
  }: {
    name: 'disable' | 'reset' | 'end'
    roles: AdminRole[]
    allowed: (c: ConsoleRequest, account: AccountRow) => boolean
    work: (c: ConsoleRequest, account: AccountRow, act: Act) => Promise<ReturnType<ConsoleRequest['redirect']>>
  }): void => {
    const model = (c: ConsoleRequest, account: AccountRow): Parameters<ConsoleRequest['confirm']>[0] => ({
      title: c.t(`console.administrators.${name}.title`, { name: account.displayName }),
      lead: c.t(`console.administrators.${name}.lead`),
      facts: [
        { name: c.t('console.administrators.account.login_name'), value: account.loginName },
        { name: c.t('console.administrators.account.role'), value: c.t(`console.role.${account.role}`) }
      ],
      action: `/admin/accounts/${account.id}/${name}`,
      typed: name === 'end' ? null : account.loginName,
      submit: c.t(`console.administrators.${name}.go`),
      backHref: `/admin/accounts/${account.id}`
    })
    const path = `/admin/accounts/:id/${name}`
    const allowedOne = async (c: ConsoleRequest): Promise<AccountRow> => {
      const account = await found(c)
      return allowed(c, account) ? account : c.notFound()
    }
    console.page({
      method: 'GET',
      path,
      roles,
      reauth: true,
      handler: async (c) => c.confirm(model(c, await allowedOne(c)))
    })
    console.page({
      method: 'POST',
      path,
      roles,
      reauth: true,
      handler: async (c) => {
        const account = await allowedOne(c)
        const shown = model(c, account)
        const confirmed = c.confirmed(shown.typed ?? null)
        return confirmed.ok
          ? await work(c, account, confirmed.act)
          : c.confirm({ ...shown, reason: confirmed.reason, errors: confirmed.errors })
      }
    })
  }

  act({
    name: 'disable',
    roles: ['system', 'security'],
    allowed: mayDisable,
    work: async (c, account, why) => {
      await disableAccount(deps, account.id, why)
      return c.redirect(`/admin/accounts/${account.id}`, 'account_disabled')
    }
  })
  act({
    name: 'reset',
    roles: ['system', 'security'],
    allowed: (c, account) => account.status !== 'disabled' && account.id !== c.administrator.id,
    work: async (c, account, why) =>
      await askFor(c, {
        kind: 'account.reset',
        subject: account.id,
        payload: { accountId: account.id },
        act: why,
        approvers: resetApprovers(account.role, c.administrator.role)
      })
  })
  act({
    name: 'end',
    roles: ['security'],
    allowed: (c, account) => account.id !== c.administrator.id,
    work: async (c, account, why) => {
      await inTransaction(db, async (trx) => {
        await endAccountSessions(trx, account.id)
        await deps.audit.record(trx, {
          type: 'staff.signed-out',
          ...why,
          role: account.role,
          details: { accountId: account.id }
        })
      })
      return c.redirect(`/admin/accounts/${account.id}`, 'sessions_ended')
    }
  })
}
