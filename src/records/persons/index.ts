/**
 * Persons: natural persons and what is stored of them. The only thing that ever signs in.
 * Owns the table `person` and `known_browser`; decrypts on the way out, encrypts on the way in.
 */
export * from './repository.ts'
export * from './known-browsers.ts'
export { deskIndexOf, fillDeskIndexes, personIdsByDeskIndex } from './desk-index.ts'
