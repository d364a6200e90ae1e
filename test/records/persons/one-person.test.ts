import t from 'tap'
import { certTypes } from '../../../src/domain/identity/cert-type.ts'
import { insertPerson, personByCertNo, personById } from '../../../src/records/persons/index.ts'
import { eachDatabase } from '../../support/database.ts'

const certNo = '540102199003072515'

eachDatabase(t, 'S42: a resident number is one person whatever type is beside it', async (t, { db, crypto }) => {
  const person = { status: 'active', name: '扎西', certNo } as const
  const { id } = await insertPerson(db, crypto, { person: { ...person, certType: 'passport' } })
  for (const certType of certTypes) {
    t.equal((await personByCertNo(db, crypto, { certType, certNo }))?.id, id, certType)
    await t.rejects(insertPerson(db, crypto, { person: { ...person, certType } }), /person_cert_no/, certType)
  }
  t.equal((await personById(db, crypto, id))?.certType, 'resident_id', 'the type that the number has')

  const passport = { status: 'active', name: '扎西', certNo: 'E12345678' } as const
  await insertPerson(db, crypto, { person: { ...passport, certType: 'passport' } })
  t.equal(await personByCertNo(db, crypto, { certType: 'military', certNo: passport.certNo }), null, 'others are not')
})
