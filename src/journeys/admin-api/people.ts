/** People over the API: what identifies them comes in bodies only, and what goes out is masked. */
import {
  endAllSessions,
  findPeople,
  listPeople,
  lockPerson,
  personDetail,
  resetPersonFaceTries,
  resetPasswordTries,
  unlockPerson,
  type ActOutcome,
  type PersonLine
} from '../support/index.ts'
import { Problem } from './problems.ts'
import { buildList, readPage, pageParameters, route, type Answer, type Call, type Route } from './routes.ts'

const statuses = ['unactivated', 'active', 'locked', 'disabled', 'closed'] as const

const wirePerson = ({ id, name, certType, certNo, phone, status, level, createdAt }: PersonLine): object => ({
  id,
  name,
  cert_type: certType,
  cert_no: certNo,
  phone,
  status,
  level,
  created_at: createdAt
})

/** @throws Problem `not_found` */
export function answerOutcome (outcome: ActOutcome): Answer {
  if (outcome === 'unknown') throw new Problem('not_found')
  return { status: 200, body: { outcome } }
}

const acts: ReadonlyArray<[path: string, operationId: string, summary: string, act: typeof lockPerson]> = [
  ['lock', 'lockPerson', 'Lock an account: no login, code, token or session works from now on', lockPerson],
  ['unlock', 'unlockPerson', 'Give a locked account back', unlockPerson],
  [
    'logout',
    'endAllSessions',
    'End every session and token of a person; sites are told',
    endAllSessions as typeof lockPerson
  ],
  ['reset-face-tries', 'resetFaceTries', "Today's face tries restart", resetPersonFaceTries],
  [
    'reset-password-tries',
    'resetPasswordTries',
    "The person's own identifiers are no longer slowed down",
    resetPasswordTries
  ]
]

export const peopleRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/people/search',
    operationId: 'findPeople',
    tag: 'people',
    summary: 'Find people; the trail keeps how was searched, never for what',
    scope: 'kora.people:read',
    body: 'PersonQuery',
    answers: { 200: 'PeopleFound' },
    refusals: ['invalid_fields'],
    handle: async ({ deps, asker, body }) => {
      const found = await findPeople(deps, asker, { text: body.text, lastFour: body.last_four ?? '' })
      // what was typed is somebody's number or name: it is not repeated
      if (!found.ok) {
        throw new Problem('invalid_fields', {
          faults: [
            {
              field: found.code === 'last_four' ? '/last_four' : '/text',
              code: found.code,
              received: '',
              expected: found.code === 'last_four' ? '0–9 A–Z, 4' : ''
            }
          ]
        })
      }
      return { status: 200, body: { by: found.by, items: found.people.map(wirePerson) } }
    }
  }),
  route({
    method: 'GET',
    path: '/people',
    operationId: 'listPeople',
    tag: 'people',
    summary: 'People, newest first',
    scope: 'kora.people:read',
    query: [...pageParameters, { name: 'status', description: 'Status.', values: statuses }],
    body: null,
    answers: { 200: 'PersonList' },
    handle: async ({ deps, query }) => {
      const { limit, after } = readPage(query)
      const rows = await listPeople(deps, {
        status: query['status'] as PersonLine['status'] | undefined,
        after: after ?? undefined,
        limit: limit + 1
      })
      return { status: 200, body: buildList({ rows, limit, keyOf: ({ id }) => id, wire: wirePerson }) }
    }
  }),
  route({
    method: 'GET',
    path: '/people/:person_id',
    operationId: 'getPerson',
    tag: 'people',
    summary: 'One person; the look is in the trail',
    scope: 'kora.people:read',
    body: null,
    answers: { 200: 'PersonDetail' },
    refusals: ['not_found'],
    handle: async ({ deps, asker, param }) => {
      const person = await personDetail(deps, asker, param('person_id'))
      if (person === null) throw new Problem('not_found')
      const {
        id,
        sub,
        status,
        level,
        name,
        certType,
        certNo,
        phone,
        email,
        identityVerifiedAt,
        faceVerifiedAt,
        faceTries,
        sessions,
        devices,
        represents
      } = person
      return {
        status: 200,
        body: {
          id,
          sub,
          status,
          level,
          name,
          cert_type: certType,
          cert_no: certNo,
          phone,
          email,
          identity_verified_at: identityVerifiedAt,
          face_verified_at: faceVerifiedAt,
          face_tries_left: faceTries.left,
          sessions: sessions.map(({ mark, startedAt, expiresAt, acr, sites }) => ({
            mark,
            started_at: startedAt,
            expires_at: expiresAt,
            acr,
            sites
          })),
          devices: devices.map(({ id: deviceId, kind, label, boundAt }) => ({
            id: deviceId,
            kind,
            label,
            bound_at: boundAt
          })),
          represents
        }
      }
    }
  }),
  ...acts.map(([path, operationId, summary, act]) =>
    route({
      method: 'POST',
      path: `/people/:person_id/${path}`,
      operationId,
      tag: 'people',
      summary,
      scope: 'kora.people:write',
      body: 'Reason',
      answers: { 200: 'Done' },
      refusals: ['not_found'],
      writes: true,
      handle: async (call: Call<unknown>) => answerOutcome(await act(call.deps, call.act(), call.param('person_id')))
    })
  )
]
