/**
 * Cutting off the past: after a restore to an earlier time, or a failover that lost something, used codes, ended
 * sessions, revoked tokens and revoked delegations are there again (docs/runbooks/restored-database.md). `bumpEpoch`
 * ends everything that was issued before this moment. Owns no table.
 */
export { bumpEpoch, type Bumped } from './bump.ts'
export { readLostEvents, type LostEvents } from './lost-events.ts'
