/**
 * What a login may answer, as a small model of its own. It knows people, browsers and what was really shown in them,
 * and nothing of Kora's code. Every code that reaches a site is compared with it.
 */

export const people = ['zhuoma', 'dawa', 'zhaxi'] as const
export type Handle = (typeof people)[number]

export const sites = ['demo-site', 'demo-tax', 'demo-level3', 'demo-consent'] as const
export type SiteName = (typeof sites)[number]

/** What a site takes: capacities, and the lowest level. */
const siteRules: Record<SiteName, { self: boolean; organizations: boolean; level: number }> = {
  'demo-site': { self: true, organizations: true, level: 1 },
  'demo-tax': { self: false, organizations: true, level: 1 },
  'demo-level3': { self: true, organizations: false, level: 3 },
  'demo-consent': { self: true, organizations: false, level: 1 }
}

export type Role = 'self' | 'legal_representative' | 'agent'
export interface Capacity {
  role: Role
  /** Code of the organization; null for oneself. */
  uscc: string | null
}

export const sameCapacity = (one: Capacity, other: Capacity): boolean =>
  one.role === other.role && one.uscc === other.uscc

/** What was shown in one login: who typed which password, whose phone did what. */
export interface Shown {
  passwords: Set<Handle>
  /** Confirmed by the key of a bound phone. */
  scans: Set<Handle>
  faces: Set<Handle>
  /** The password of an organization, typed on its tab. */
  organizations: Capacity[]
  /** What the person pressed on the page of capacities. */
  chosen: Capacity[]
  consented: boolean
}

/** A login that a site asked for. */
export interface Login {
  site: SiteName
  /** Number of the browser that began it. */
  browser: number
  /** The request asks for a fresh login. */
  fresh: boolean
  /** The request forbids pages. */
  silent: boolean
  /** The level that the request asks for. */
  level: number
  shown: Shown
}

export interface Session {
  person: Handle
  level: number
  /** Only for this capacity: nothing but an organization's password was shown. */
  confined: Capacity | null
  /** Capacities in which it went to each site. */
  at: Map<SiteName, Capacity>
}

export interface BrowserState {
  session: Session | null
  /** "uscc person": an organization's password stands for that person here. */
  trusted: Set<string>
}

export interface Model {
  browsers: BrowserState[]
  locked: Set<Handle>
  /** Who may act for which organization now. */
  capacities: Array<Capacity & { person: Handle }>
}

/** A code that came back to a site, and what its tokens say. */
export interface Arrival {
  login: Login
  /** The browser that brought it. */
  browser: number
  person: Handle
  level: number
  amr: string[]
  capacity: Capacity
}

export const nothingShown = (): Shown => ({
  passwords: new Set(),
  scans: new Set(),
  faces: new Set(),
  organizations: [],
  chosen: [],
  consented: false
})

const standsFor = (person: Handle, { uscc }: Capacity): string => `${uscc} ${person}`

/** Level 1 is only for a login by an organization's password, in a browser that stands for the person. */
function isConfined ({ browsers }: Model, { login, browser, person, level, capacity }: Arrival): boolean {
  const session = login.fresh ? null : (browsers[browser]?.session ?? null)
  return (
    level === 1 &&
    (login.shown.organizations.some((one) => sameCapacity(one, capacity)) ||
      (session?.person === person && session.confined !== null))
  )
}

/** Why the code must not exist; empty: it may. */
export function findDepartures (model: Model, arrival: Arrival): string[] {
  const { login, browser, person, level, amr, capacity } = arrival
  const { shown } = login
  const rules = siteRules[login.site]
  const state = model.browsers[browser] ?? { session: null, trusted: new Set<string>() }
  const session = login.fresh || state.session?.person !== person ? null : state.session
  const whole = session !== null && session.confined === null
  const departures: string[] = []
  const demand = (holds: boolean, what: string): void => {
    if (!holds) departures.push(what)
  }

  demand(login.browser === browser, 'another browser finished the login')
  demand(!model.locked.has(person), 'a locked person signed in')

  const byOrganization = shown.organizations.some((one) => sameCapacity(one, capacity))
  const trusted = capacity.uscc !== null && state.trusted.has(standsFor(person, capacity))
  const established =
    shown.passwords.has(person) || shown.scans.has(person) || whole || (byOrganization && shown.faces.has(person))
  const confined = isConfined(model, arrival)
  if (confined) {
    const continued = session?.confined != null && sameCapacity(session.confined, capacity)
    demand(trusted || continued, "an organization's password stood for somebody")
    demand(amr.join() === 'pwd', 'a confined login says more than a password')
    demand(capacity.role !== 'self', 'a confined login became the person')
  } else demand(established, 'nobody proved to be that person')

  demand(level >= Math.max(rules.level, login.level), 'below the level that was asked for')
  if (level >= 3) demand(shown.faces.has(person) || (whole && session.level >= 3), 'level 3 without a face')

  if (capacity.role === 'self') {
    demand(rules.self, 'oneself at a site for organizations')
    demand(!login.shown.organizations.some(() => !established), "an organization's password became the person")
  } else {
    demand(rules.organizations, 'an organization at a site for people')
    demand(
      model.capacities.some((one) => one.person === person && sameCapacity(one, capacity)),
      'the person does not act for that organization'
    )
    const said =
      shown.chosen.some((one) => sameCapacity(one, capacity)) ||
      byOrganization ||
      (session?.confined != null && sameCapacity(session.confined, capacity))
    // whoever proves again who they are goes on in the capacity that they chose at this site
    const before = state.session?.person === person ? state.session.at.get(login.site) : undefined
    demand(said || (before !== undefined && sameCapacity(before, capacity)), 'nobody chose that organization')
    demand(
      trusted ||
        confined ||
        shown.faces.has(person) ||
        (capacity.role === 'legal_representative' && whole && session.level >= 3) ||
        (before !== undefined && sameCapacity(before, capacity)),
      'a password alone made a representative'
    )
  }
  return departures
}

/** What is true after an arrival that may be. */
export function learn (model: Model, arrival: Arrival): void {
  const { login, browser, person, level, capacity } = arrival
  const state = model.browsers[browser]
  if (state === undefined) return
  const confined = isConfined(model, arrival) ? capacity : null
  const before = state.session?.person === person ? state.session : null
  state.session = {
    person,
    level: Math.max(level, before?.level ?? 0),
    confined,
    at: new Map(before?.at)
  }
  state.session.at.set(login.site, capacity)
  if (capacity.role !== 'self' && login.shown.faces.has(person)) state.trusted.add(standsFor(person, capacity))
}
