/**
 * The simulated population base: one memory behind the register service (is this name this number's?) and behind the
 * face service (is there a photograph of this person?). Begins with the demo people; forgets at the end of the process.
 */
import type { LookupAnswer } from '../face-provider/index.ts'
import { demoPeople } from '../demo-people.ts'

export interface Citizen {
  certNo: string
  name: string
  /** `match`: names are compared; the others are the answer to every question. */
  status: 'match' | 'mismatch' | 'no_record'
  /** False: the register fails when it is asked about this person. */
  available: boolean
}

export type CitizenChange = Partial<Omit<Citizen, 'certNo'>>

export interface Population {
  /** A person who is not in the register has no record. */
  get(certNo: string): Citizen
  /** False: the register is full. */
  set(certNo: string, change: CitizenChange): boolean
  list(): Citizen[]
  /** What the base says to a name and number. */
  compare(certNo: string, name: string): Exclude<LookupAnswer, 'no_photo'>
}

const maximum = 1000

export function createPopulation (): Population {
  const citizens = new Map<string, Citizen>(
    demoPeople.map(({ certNo, name }) => [certNo, { certNo, name, status: 'match', available: true }])
  )
  const get = (certNo: string): Citizen =>
    citizens.get(certNo) ?? { certNo, name: '', status: 'no_record', available: true }
  return {
    get,
    set (certNo, change) {
      if (!citizens.has(certNo) && citizens.size >= maximum) return false
      const { name = get(certNo).name, status, available = get(certNo).available } = change
      // a name for an unknown person makes a record
      const known = citizens.get(certNo)?.status ?? (change.name === undefined ? 'no_record' : 'match')
      citizens.set(certNo, { certNo, name, status: status ?? known, available })
      return true
    },
    list: () => [...citizens.values()],
    compare (certNo, name) {
      const citizen = get(certNo)
      return citizen.status !== 'match' ? citizen.status : normal(citizen.name) === normal(name) ? 'match' : 'mismatch'
    }
  }
}

const normal = (name: string): string => name.normalize('NFKC').replace(/\s/g, '')
