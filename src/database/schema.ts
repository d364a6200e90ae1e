/**
 * The tables as Kysely sees them (camelCase through CamelCasePlugin): one file for each area in schema/, one
 * interface for each table. Timestamps are read as Date; `date`-like identity dates are 'YYYY-MM-DD' text,
 * because an identity card's dates have no time zone.
 */
import type { PeopleTables } from './schema/people.ts'
import type { LoginsTables } from './schema/logins.ts'
import type { ClientsTables } from './schema/clients.ts'
import type { OidcTables } from './schema/oidc.ts'
import type { TrailTables } from './schema/trail.ts'
import type { OrganizationsTables } from './schema/organizations.ts'
import type { UserCentreTables } from './schema/user-centre.ts'
import type { OwnSitesTables } from './schema/own-sites.ts'
import type { AdminTables } from './schema/admin.ts'
import type { DeskTables } from './schema/desk.ts'
import type { AdminApiTables } from './schema/admin-api.ts'
import type { RegistrationTokenTables } from './schema/registration-tokens.ts'

export type * from './schema/people.ts'
export type * from './schema/logins.ts'
export type * from './schema/clients.ts'
export type * from './schema/oidc.ts'
export type * from './schema/trail.ts'
export type * from './schema/organizations.ts'
export type * from './schema/user-centre.ts'
export type * from './schema/own-sites.ts'
export type * from './schema/admin.ts'
export type * from './schema/desk.ts'
export type * from './schema/admin-api.ts'
export type * from './schema/registration-tokens.ts'

export interface Database
  extends
  PeopleTables,
  LoginsTables,
  OidcTables,
  ClientsTables,
  TrailTables,
  OrganizationsTables,
  UserCentreTables,
  OwnSitesTables,
  AdminTables,
  DeskTables,
  AdminApiTables,
  RegistrationTokenTables {}
