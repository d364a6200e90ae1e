/**
 * Persons: natural persons and what is stored about them. Only persons sign in. Owns the tables `person` and
 * `known_browser`; decrypts when reading, encrypts when writing.
 */
export * from './repository.ts'
export * from './known-browsers.ts'
export { computeNameIndexes, fillDeskIndexes, personIdsByDeskIndex } from './desk-index.ts'
