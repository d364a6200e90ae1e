/** One walk: steps over real HTTP, and after each the comparison of what came back with the model. */
import { sql, type Kysely } from 'kysely'
import * as oidc from 'openid-client'
import type { Database } from '../../src/database/schema.ts'
import {
  payloadOf,
  screen,
  type Answer,
  type Browser,
  type RelyingParty,
  type SandboxClient,
  type Started
} from '../support/driver/index.ts'
import {
  findDepartures,
  learn,
  nothingShown,
  people,
  type Capacity,
  type Handle,
  type Login,
  type Model,
  type SiteName
} from './login-model.ts'
import type { PhoneOutcome, Plan, Step } from './login-steps.ts'

export interface Person {
  id: string
  account: string
  name: string
  password: string
}

export interface World {
  issuer: string
  db: Kysely<Database>
  newBrowser(): Browser
  /** The process that is asked next. */
  sandbox(): SandboxClient
  sites: Record<SiteName, RelyingParty>
  people: Record<Handle, Person>
  /** Whose key each phone had before the first walk. */
  phones: Map<string, string>
}

/** Of the organization whose password is typed: one legal representative, several agents, of whom dawa is one. */
export const organization = '91540102MA6T1A2BXK'
const organizationPassword = 'Snow-lion-2026'

interface Tab {
  login: Login
  /** Who began, and what they have in mind. */
  who: { person: Handle; plan: Plan }
  started: Started
  page: Answer
  /** Of the latest form that was sent, for those who send it again. */
  post: { action: string; body: URLSearchParams } | null
  /** Where the login returns to the provider, not yet followed. */
  held: string | null
  /** An answer came back to the site. */
  over: boolean
}

interface Profile {
  browser: Browser
  /** The next return to the provider is not followed yet; 'stolen': the other browser tries it meanwhile. */
  hold: false | 'kept' | 'stolen'
  tabs: Tab[]
}

export class Departure extends Error {}

const blank = (url: string): Answer => ({ status: 0, url, headers: new Headers(), text: '', forms: [] })

/** Every box of the consent page ticked. */
const consentAll = ({ text }: Answer): Record<string, string | string[]> => ({
  decision: 'grant',
  scope: [...text.matchAll(/name="scope" value="([^"]+)"/g)].map(([, scope]) => scope ?? '')
})

const flow = (address: string): string | null => /\/i\/([\w-]+)/.exec(address)?.[1] ?? null

/** Puts people, delegations and counters back to where a walk begins. */
export async function reset ({ db, people: known, phones }: World): Promise<void> {
  const ids = Object.values(known).map(({ id }) => id)
  await db.deleteFrom('throttle').execute()
  await db.deleteFrom('trustedBrowser').where('personId', 'in', ids).execute()
  await db.deleteFrom('consent').where('personId', 'in', ids).execute()
  await db.deleteFrom('representationChoice').where('personId', 'in', ids).execute()
  await db.updateTable('person').set({ status: 'active' }).where('id', 'in', ids).execute()
  await sql`update face_check set started_at = started_at - interval '2 days'
    where person_id = any(${ids}) and started_at > now() - interval '1 day'`.execute(db)
  // somebody who passed the face check on another's phone has bound it
  for (const { id } of await db.selectFrom('device').select('id').where('kind', '=', 'app').execute()) {
    const personId = phones.get(id) ?? null
    await db
      .updateTable('device')
      .set({ personId, boundAt: personId === null ? null : sql<Date>`now()` })
      .where('id', '=', id)
      .execute()
  }
  await suspendDelegation(db, { agentId: known.dawa.id, suspended: false })
}

/** Of the agent at the organization whose password is typed. */
async function suspendDelegation (
  db: Kysely<Database>,
  { agentId, suspended }: { agentId: string; suspended: boolean }
): Promise<void> {
  await sql`update delegation d set state = ${suspended ? 'suspended' : 'active'} from organization o
    where o.id = d.organization_id and o.uscc = ${organization} and d.agent_id = ${agentId}
      and d.state in ('active', 'suspended')`.execute(db)
}

async function loadCapacities ({ db, people: known }: World): Promise<Model['capacities']> {
  const byId = new Map(Object.entries(known).map(([handle, { id }]) => [id, handle as Handle]))
  const { rows } = await sql<{ personId: string; uscc: string; role: Capacity['role'] }>`
    select legal_representative_id as person_id, uscc, 'legal_representative' as role from organization
      where status = 'active' and legal_representative_id is not null
    union all
    select d.agent_id, o.uscc, 'agent' from delegation d join organization o on o.id = d.organization_id
      where d.state = 'active' and o.status = 'active'
        and to_char(now() at time zone 'Asia/Shanghai', 'YYYY-MM-DD') between d.valid_from and d.valid_to`.execute(db)
  return rows.flatMap(({ personId, uscc, role }) => {
    const person = byId.get(personId)
    return person === undefined ? [] : [{ person, uscc, role }]
  })
}

/**
 * @returns a line for each code that reached a site
 * @throws Departure
 */
export async function walk (world: World, steps: Step[]): Promise<{ arrivals: string[] }> {
  await reset(world)
  const profiles: Profile[] = [0, 1].map(() => ({ browser: world.newBrowser(), hold: false, tabs: [] }))
  const model: Model = {
    browsers: profiles.map(() => ({ session: null, trusted: new Set() })),
    locked: new Set(),
    capacities: await loadCapacities(world)
  }
  const seen = new Set<string>()
  const arrivals: string[] = []
  /** Whose key each phone has, when it is not who carries it: somebody passed the face check on another's phone. */
  const owners = new Map<Handle, Handle>()
  /** How the latest phone ended. */
  let phone = ''

  function depart (what: string, more: unknown = ''): never {
    throw new Departure(`${what} ${JSON.stringify(more)}`)
  }

  /** Reads an answer that a browser got: a page of Kora, or the way back to a site. */
  async function arrive (at: number, answer: Answer): Promise<boolean> {
    if (answer.status >= 500) depart('a fault of the server', { url: answer.url, status: answer.status })
    const url = new URL(answer.url)
    const state = url.searchParams.get('state')
    const tab = profiles.flatMap(({ tabs }) => tabs).find(({ started }) => started.state === state)
    if (tab === undefined) return false
    const party = world.sites[tab.login.site]
    if (!party.arrived(url)) return false
    tab.over = true
    const code = url.searchParams.get('code')
    if (code === null) {
      const error = url.searchParams.get('error') ?? ''
      const known = /^(access_denied|(login|consent|interaction|account_selection)_required|unmet_\w+)$/
      if (!known.test(error)) {
        depart('an unknown error', { error, description: url.searchParams.get('error_description') })
      }
      return true
    }
    if (tab.login.browser !== at) depart('another browser finished the login')
    if (seen.has(code)) return true
    seen.add(code)
    const tokens = await party.redeem(tab.started, answer.url)
    const claims = tokens.claims()
    const info = await oidc.fetchUserInfo(party.config, tokens.access_token, claims?.sub ?? '')
    const person = people.find((handle) => world.people[handle].name === info['name'])
    if (person === undefined || claims === undefined) return depart('tokens of nobody we know', info)
    const { role = 'self', organization: whom } = (claims['representation'] ?? {}) as {
      role?: Capacity['role']
      organization?: { uscc: string }
    }
    const arrival = {
      login: tab.login,
      browser: at,
      person,
      level: Number(String(claims['acr']).at(-1)),
      amr: (claims['amr'] ?? []) as string[],
      capacity: { role, uscc: whom?.uscc ?? null }
    }
    const departures = findDepartures(model, arrival)
    if (departures.length > 0) {
      depart(departures.join('; '), { ...arrival, login: { ...arrival.login, shown: undefined } })
    }
    learn(model, arrival)
    const { site } = tab.login
    const confined = model.browsers[at]?.session?.confined == null ? '' : ', confined'
    arrivals.push(`${site} ${role} level ${arrival.level}${confined}`)
    return true
  }

  const profile = (at: number): Profile => profiles[at] as Profile
  const current = (at: number): Tab | null => profile(at).tabs.at(-1) ?? null
  const isSite = (url: URL): boolean => Object.values(world.sites).some((party) => party.arrived(url))
  const isReturn = (url: URL): boolean => url.origin === world.issuer && url.pathname.startsWith('/oidc/auth/')
  const makeStop =
    (at: number) =>
      (url: URL): boolean =>
        isSite(url) || (profile(at).hold !== false && isReturn(url))

  async function open (at: number, address: string, init: RequestInit = {}): Promise<Answer> {
    const answer = await profile(at).browser.go(address, init as { headers?: Record<string, string> }, makeStop(at))
    await arrive(at, answer)
    return answer
  }

  /** The tab shows what came, unless that was the way back to a site. */
  async function show (at: number, tab: Tab, answer: Answer): Promise<void> {
    if (await arrive(at, answer)) return
    const { hold } = profile(at)
    if (hold !== false && isReturn(new URL(answer.url))) {
      profile(at).hold = false
      tab.held = answer.url
      if (hold === 'stolen') await stealReturn(1 - at, answer.url.split('/').at(-1) ?? '')
      return
    }
    tab.page = answer
    // the page after the phone leads on by itself, and by this link
    const back =
      screen(answer.text).page === 'login/done' ? /href="([^"]*\/oidc\/auth\/[^"]*)"/.exec(answer.text)?.[1] : null
    if (back == null) return
    const arrived = await profile(at).browser.go(new URL(back, answer.url).href, {}, makeStop(at))
    if (!(await arrive(at, arrived))) tab.page = arrived
  }

  async function send (
    at: number,
    fields: Record<string, string | string[]>,
    form: (form: Answer['forms'][number]) => boolean
  ): Promise<boolean> {
    const tab = current(at)
    const found = tab?.page.forms.find((one) => one.method === 'post' && form(one))
    if (tab === null || found === undefined) return false
    const body = new URLSearchParams()
    for (const [name, value] of Object.entries({ ...found.fields, ...fields })) {
      for (const one of Array.isArray(value) ? value : [value]) body.append(name, one)
    }
    tab.post = { action: found.action, body }
    await show(at, tab, await post(at, tab.post))
    return true
  }

  const post = async (at: number, { action, body }: NonNullable<Tab['post']>): Promise<Answer> =>
    await profile(at).browser.go(
      action,
      { method: 'POST', body, headers: { origin: new URL(action).origin } },
      makeStop(at)
    )

  async function begin (
    at: number,
    { site, extra, ...who }: { site: SiteName; extra: Record<string, string>; person: Handle; plan: Plan }
  ): Promise<void> {
    const started = await world.sites[site].start(extra)
    const login: Login = {
      site,
      browser: at,
      fresh: extra['prompt'] === 'login',
      silent: extra['prompt'] === 'none',
      level: extra['acr_values'] === undefined ? 1 : 3,
      shown: nothingShown()
    }
    const tab: Tab = { login, who, started, page: blank(world.issuer), post: null, held: null, over: false }
    profile(at).tabs.push(tab)
    const answer = await profile(at).browser.go(started.url.href, {}, makeStop(at))
    await show(at, tab, answer)
    if (login.silent && !isSite(new URL(answer.url)) && tab.held === null) {
      depart('prompt=none showed a page', { url: answer.url, status: answer.status, screen: screen(answer.text) })
    }
  }

  async function typePassword (at: number, person: Handle, right: boolean): Promise<void> {
    const tab = current(at)
    if (tab === null || !isPasswordForm(tab.page, 'personal')) return
    const { account, password } = world.people[person]
    // a page that asks somebody again has no field for the account: it takes the password of that person only
    const named = tab.page.forms.some((form) => 'password' in form.fields && 'account' in form.fields)
    const fits = named || model.browsers[at]?.session?.person === person
    // what was typed counts before the answer comes: it may lead to the site at once
    if (right && fits && !model.locked.has(person)) tab.login.shown.passwords.add(person)
    await send(
      at,
      { ...(named ? { account } : {}), password: right ? password : `${password}x`, agree: '1' },
      (form) => 'password' in form.fields
    )
  }

  const isPasswordForm = (page: Answer, tab: 'personal' | 'legal'): boolean =>
    page.forms.some((form) => 'password' in form.fields && 'role' in form.fields === (tab === 'legal'))

  async function usePhone (at: number, person: Handle, outcome: PhoneOutcome): Promise<void> {
    const tab = current(at)
    if (tab === null || !/data-payload="/.test(tab.page.text)) return
    const transcript = await world.sandbox().journey({
      payload: payloadOf(tab.page),
      person,
      ...(outcome === 'mismatch' ? { face: 'mismatch' } : {}),
      ...(outcome === 'wrong-number' ? { check_number: '00' } : {}),
      ...(outcome === 'reject' ? { decision: 'reject' } : {}),
      ...(outcome === 'scan-only' ? { stop_after: 'scan' } : {})
    })
    phone = `${transcript.outcome} ${JSON.stringify(transcript.steps.at(-1))}`
    if (transcript.outcome !== 'confirmed') return
    const answers = (step: string): Array<Record<string, unknown>> =>
      transcript.steps.filter((one) => one.step === step && one.status < 300).map(({ response }) => response)
    // a new installation proves nothing by its key
    if (answers('device').every((one) => one['bound'] !== false)) {
      tab.login.shown.scans.add(owners.get(person) ?? person)
    }
    // the simulated camera shows whom the ticket expects; without an expectation, who filled in the form
    const expected = (answers('scan')[0]?.['person'] ?? null) as { masked_name: string } | null
    const last = expected?.masked_name.at(-1)
    const face = expected === null ? person : people.find((one) => world.people[one].name.at(-1) === last)
    if (face !== undefined && answers('face/verdict').some(({ status }) => status === 'passed')) {
      tab.login.shown.faces.add(face)
      owners.set(person, face)
    }
  }

  const hasForm = (tab: Tab, path: string): boolean => tab.page.forms.some((form) => form.action.endsWith(path))

  /** The right answer to what the tab's page asks, by who began. False: it asks nothing. */
  async function goOn (at: number, tab: Tab): Promise<boolean> {
    const { person, plan } = tab.who
    const uid = flow(tab.page.url) ?? ''
    const { held } = tab
    if (held !== null) {
      tab.held = null
      await show(at, tab, await profile(at).browser.go(held, {}, makeStop(at)))
    } else if (isPasswordForm(tab.page, 'legal')) {
      await typeOrganization(at, plan === 'agent' ? plan : 'legal_representative')
    } else if (isPasswordForm(tab.page, 'personal')) {
      const named = tab.page.forms.some((form) => 'account' in form.fields)
      if (!named && model.browsers[at]?.session?.person !== person) {
        await show(at, tab, await open(at, `${world.issuer}/i/${uid}/other`))
      } else if (named && typeof plan !== 'number') {
        await show(at, tab, await open(at, `${world.issuer}/i/${uid}/login?tab=legal`))
      } else await typePassword(at, person, true)
    } else if (/data-payload="/.test(tab.page.text)) {
      await usePhone(at, person, 'pass')
      await send(at, {}, (form) => form.action.endsWith('/check'))
    } else if (hasForm(tab, '/select')) await choose(at, typeof plan === 'number' ? plan : 1)
    else if (hasForm(tab, '/consent')) await send(at, consentAll(tab.page), (form) => form.action.endsWith('/consent'))
    else if (hasForm(tab, '/agent')) await nameAgent(at, person)
    else return false
    return true
  }

  /** With the right answers to whatever is asked, an enabled person comes through from any state. */
  async function signIn (at: number, person: Handle, plan: Plan = 0): Promise<void> {
    await world.db.deleteFrom('throttle').execute()
    await begin(at, { site: 'demo-site', extra: { prompt: 'login' }, person, plan })
    const before = arrivals.length
    for (let i = 0; i < 8; i++) {
      const tab = current(at) as Tab
      if (arrivals.length > before || !(await goOn(at, tab))) break
    }
    if (arrivals.length > before || model.locked.has(person) || (owners.get(person) ?? person) !== person) return
    const { url, status, text } = (current(at) as Tab).page
    depart('the right answers do not lead to the site', { person, url, status, phone, screen: screen(text) })
  }

  async function typeOrganization (at: number, role: Exclude<Capacity['role'], 'self'>, right = true): Promise<void> {
    const tab = current(at)
    if (tab === null || !isPasswordForm(tab.page, 'legal')) return
    if (right) tab.login.shown.organizations.push({ role, uscc: organization })
    const password = `${organizationPassword}${right ? '' : 'x'}`
    await send(at, { account: organization, password, role, agree: '1' }, (form) => 'password' in form.fields)
  }

  async function nameAgent (at: number, person: Handle): Promise<void> {
    await send(at, { account: world.people[person].account }, (form) => form.action.endsWith('/agent'))
  }

  async function choose (at: number, choice: number): Promise<void> {
    const tab = current(at)
    if (tab === null) return
    const buttons = [...tab.page.text.matchAll(/<button class="choice"[^>]* value="([^"]+)"/g)].map(
      ([, one]) => one ?? ''
    )
    const value = choice === 0 ? 'self' : buttons[choice % Math.max(buttons.length, 1)]
    if (value === undefined || !tab.page.forms.some((form) => form.action.endsWith('/select'))) return
    tab.login.shown.chosen.push(await readCapacity(value))
    await send(at, { choice: value }, (form) => form.action.endsWith('/select'))
  }

  /** Values of the page: self, legal_representative:<organization>, agent:<delegation>. */
  async function readCapacity (value: string): Promise<Capacity> {
    const id = value.slice(value.indexOf(':') + 1)
    const { rows } = await sql<{ uscc: string; role: Capacity['role'] }>`
      select uscc, 'legal_representative' as role from organization where id = ${id}
      union all select o.uscc, 'agent' from delegation d join organization o on o.id = d.organization_id
        where d.id = ${id}`.execute(world.db)
    return rows[0] ?? { role: 'self', uscc: null }
  }

  async function stealReturn (at: number, uid: string): Promise<void> {
    knowLogin(at, uid)
    await open(at, `${world.issuer}/oidc/auth/${uid}`)
  }

  /** The address is no secret to them, and the cookies that name a login say no more than the address. */
  function knowLogin (at: number, uid: string): void {
    profile(at).browser.keepCookie(world.issuer, 'kora_resume', uid, `/oidc/auth/${uid}`)
    profile(at).browser.keepCookie(world.issuer, 'kora_interaction', uid, `/i/${uid}`)
  }

  function loseSession (at: number): void {
    profile(at).browser.dropCookies((name) => name.endsWith('kora_session'))
    const state = model.browsers[at]
    if (state !== undefined) state.session = null
  }

  async function take (step: Step): Promise<void> {
    const at = step.browser
    const other = 1 - at
    const tab = current(at)
    const uid = tab === null ? null : flow(tab.page.url)
    switch (step.do) {
      case 'begin':
        return await begin(at, step)
      case 'go-on':
        if (tab === null) return
        for (let i = 0; i < step.times; i++) if (tab.over || !(await goOn(at, tab))) return
        return
      case 'type-password':
        return await typePassword(at, step.person, step.right)
      case 'type-organization': {
        if (tab === null || uid === null || !isPasswordForm(tab.page, 'personal')) return
        await show(at, tab, await open(at, `${world.issuer}/i/${uid}/login?tab=legal`))
        return await typeOrganization(at, step.role, step.right)
      }
      case 'name-agent':
        return await nameAgent(at, step.person)
      case 'use-phone':
        return await usePhone(at, step.person, step.outcome)
      case 'ask-for-phone':
        await send(at, {}, (form) => form.action.endsWith('/check'))
        return
      case 'choose':
        return await choose(at, step.choice)
      case 'consent':
        if (tab !== null) {
          const answer = step.grant ? consentAll(tab.page) : { decision: 'deny' }
          await send(at, answer, (form) => form.action.endsWith('/consent'))
        }
        return
      case 'skip':
        if (tab !== null && uid !== null) await show(at, tab, await open(at, `${world.issuer}/i/${uid}${step.path}`))
        return
      case 'resume':
        if (tab !== null && uid !== null) await show(at, tab, await open(at, `${world.issuer}/oidc/auth/${uid}`))
        return
      case 'steal':
        if (uid !== null) {
          knowLogin(other, uid)
          await open(other, `${world.issuer}/i/${uid}${step.path}`)
        }
        return
      case 'steal-return':
        if (uid !== null) await stealReturn(other, uid)
        return
      case 'hold':
        profile(at).hold = step.stolen ? 'stolen' : 'kept'
        return
      case 'steal-post':
        if (uid !== null) knowLogin(other, uid)
        if (tab?.post != null) await arrive(other, await post(other, tab.post))
        return
      case 'repeat-post':
        if (tab?.post != null) await show(at, tab, await post(at, tab.post))
        return
      case 'other-tab':
        profile(at).tabs.unshift(...profile(at).tabs.splice(-1))
        return
      case 'lock':
        await world.db
          .updateTable('person')
          .set({ status: step.locked ? 'locked' : 'active' })
          .where('id', '=', world.people[step.person].id)
          .execute()
        if (step.locked) model.locked.add(step.person)
        else model.locked.delete(step.person)
        return
      case 'end-delegation':
        await suspendDelegation(world.db, { agentId: world.people.dawa.id, suspended: step.ended })
        model.capacities = await loadCapacities(world)
        return
      case 'let-code-expire':
        await sql`update scan_ticket set expires_at = now() - interval '1 second' where login_attempt_uid = ${uid ?? ''}`.execute(
          world.db
        )
        return
      case 'lose-session':
        loseSession(at)
        return
      case 'sign-in':
        return await signIn(at, step.person)
      case 'sign-in-by-organization':
        // without a session, so that the password of the organization is all that there is
        loseSession(at)
        return await signIn(at, 'zhuoma', 'legal_representative')
    }
  }

  for (const step of steps) await take(step)
  return { arrivals }
}
