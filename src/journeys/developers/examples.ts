/** Examples of claims in the documentation, made by the functions that make the real ones. */
import { personClaims, representationClaim, type ClaimFacts } from '../../domain/claims/claims.ts'
import type { Representation, Role } from '../../domain/representation/representation.ts'
import { verifiedClaims } from '../../domain/claims/verified-claims.ts'
import { exampleFacts, examplePeople, exampleRepresentation } from './example-people.ts'

const { zhaxi: person } = examplePeople
const catalogue = ['tax.filing', 'tax.query']
const representation = (role: Role): Representation =>
  exampleRepresentation(role, ['tax.filing'], Date.UTC(2026, 3, 10, 6, 30))
const representations = {
  self: representation('self'),
  legalRepresentative: representation('legal_representative'),
  agent: representation('agent')
}
const facts = (given: Representation): ClaimFacts =>
  exampleFacts({ person, representation: given, catalogue, today: '2026-04-12' })

const json = (value: unknown): string => JSON.stringify(value, null, 2)

/** Texts by the name under which documents call them. */
export function claimExamples (issuer: string): Record<string, string> {
  const now = Math.floor(Date.UTC(2026, 3, 12, 1, 0, 0) / 1000)
  const verified = (representation: Representation): string =>
    json({
      verified_claims: verifiedClaims({
        issuer,
        person,
        representation,
        catalogue,
        audience: 'https://etax.example.gov.cn',
        claims: personClaims(facts(representation), 'userinfo'),
        allowed: new Set(['name', 'authority'])
      })
    })
  return {
    exampleSelf: json({ representation: representationClaim(representations.self) }),
    exampleLegal: json({ representation: representationClaim(representations.legalRepresentative, catalogue) }),
    exampleAgent: json({ representation: representationClaim(representations.agent, catalogue) }),
    exampleIdToken: json({
      iss: issuer,
      sub: person.sub,
      aud: 'my-site',
      exp: now + 600,
      iat: now,
      auth_time: now - 20,
      nonce: '…',
      acr: 'urn:kora:loa:2',
      amr: ['pwd'],
      sid: '…',
      ...personClaims(facts(representations.agent), 'id_token', new Set(['assurance_level', 'representation']))
    }),
    exampleUserinfo: json({
      sub: person.sub,
      ...personClaims(
        facts(representations.self),
        'userinfo',
        new Set([
          'assurance_level',
          'representation',
          'name',
          'name#bo',
          'gender',
          'updated_at',
          'phone_number',
          'phone_number_verified'
        ])
      )
    }),
    exampleVerifiedLegal: verified(representations.legalRepresentative),
    exampleVerifiedAgent: verified(representations.agent)
  }
}
