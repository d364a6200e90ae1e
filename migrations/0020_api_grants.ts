import { sql, type Kysely } from 'kysely'
import { addConstraint, alterTable } from '../src/database/constraints.ts'

/**
 * APIs are granted: which client may ask tokens for which API and scopes (docs/decisions/0011-api-grants.md), texts of
 * an API in three languages, its status, its version and its history. A client that holds a token for an API is granted
 * what it holds; every other client is granted nothing.
 */
export const transaction = false

const statements = [
  `create table if not exists client_resource (
    client_id text not null references client on delete cascade,
    resource text not null references resource_server,
    -- in the name of a person who logged in
    scopes text[] not null,
    -- by client credentials, in the client's own name
    machine_scopes text[] not null default '{}',
    primary key (client_id, resource),
    constraint client_resource_not_empty check (cardinality(scopes) + cardinality(machine_scopes) > 0)
  )`,
  // who uses an API
  'create index if not exists client_resource_resource on client_resource (resource)',

  // no reference to resource_server: what happened to a deleted one stays
  `create table if not exists resource_server_change (
    id bigint generated always as identity primary key,
    identifier text not null,
    version integer not null,
    act text not null constraint resource_server_change_act_check check (act in ('created', 'changed', 'status',
      'deleted')),
    actor text not null,
    reason text not null,
    diff jsonb not null default '[]',
    trace_id text,
    at timestamptz not null default now()
  )`,
  'create index if not exists resource_server_change_identifier on resource_server_change (identifier, id desc)',

  // how addresses name it: an identifier is a URI
  `alter table resource_server add column if not exists id text not null
    generated always as ('api_' || substr(md5(identifier), 1, 20)) stored constraint resource_server_id_key unique`,
  // `name` and `scopes` stay for processes of the version before
  'alter table resource_server add column if not exists name_bo text',
  'alter table resource_server add column if not exists name_en text',
  "alter table resource_server add column if not exists scope_texts jsonb not null default '{}'",
  `alter table resource_server add column if not exists status text not null default 'active'
    constraint resource_server_status_check check (status in ('active', 'disabled'))`,
  'alter table resource_server add column if not exists version integer not null default 1',
  'alter table resource_server add column if not exists updated_at timestamptz not null default now()'
]

/** Scopes in tokens that are not over, of the API that the token is for. */
const heldTokens = `
  select distinct a.client_id, rs.identifier, a.model, word.scope
    from oidc_artifact a
    join resource_server rs on a.payload->>'aud' = rs.identifier or a.payload->'resource' = to_jsonb(rs.identifier)
      or a.payload->'resource' @> to_jsonb(array[rs.identifier])
    cross join lateral unnest(string_to_array(a.payload->>'scope', ' ')) as word (scope)
   where a.model in ('AccessToken', 'ClientCredentials', 'RefreshToken') and a.expires_at > now()
     and word.scope = any(string_to_array(rs.scopes, ' '))`

const grantWhatIsHeld = `
  insert into client_resource (client_id, resource, scopes, machine_scopes)
  select held.client_id, held.identifier,
    coalesce(array_agg(distinct scope) filter (where model <> 'ClientCredentials'), '{}'),
    coalesce(array_agg(distinct scope) filter (where model = 'ClientCredentials'), '{}')
    from (${heldTokens}) as held join client on client.client_id = held.client_id
   group by 1, 2
  on conflict do nothing`

/** The demo clients of a sandbox keep the demo APIs; where there are none, nothing is written. */
const grantDemo = `
  insert into client_resource (client_id, resource, scopes, machine_scopes)
  select c.client_id, r.identifier,
    case c.client_id when 'demo-machine' then '{}' else string_to_array(r.scopes, ' ') end,
    case c.client_id when 'demo-machine' then string_to_array(r.scopes, ' ') else '{}' end
    from client c cross join resource_server r
   where c.client_id in ('demo-site', 'demo-consent', 'demo-level3', 'demo-public', 'demo-tax', 'demo-device',
     'demo-machine') and r.identifier in ('urn:kora:demo:property', 'urn:kora:demo:property:jwt')
  on conflict (client_id, resource) do update set scopes = excluded.scopes, machine_scopes = excluded.machine_scopes`

/** What was granted stands in the history of each client. */
const noteGrants = `
  insert into client_change (client_id, version, act, actor, reason, diff)
  select c.client_id, c.version, 'changed', 'operator:migration', 'granted what it holds (0020_api_grants)',
    jsonb_build_array(jsonb_build_object('field', '/policy/resources', 'before', null, 'after', granted.resources))
    from client c join (
      select client_id, jsonb_object_agg(resource, jsonb_build_object('scopes', scopes, 'machineScopes',
        machine_scopes)) as resources from client_resource group by 1) as granted on granted.client_id = c.client_id
   where not exists (select from client_change h where h.client_id = c.client_id and h.actor = 'operator:migration')`

export async function up (db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await alterTable(db, statement)
  // a JWT cannot be taken back, so it lives shorter (docs/numbers.md)
  await sql`update resource_server set
    ttl_seconds = greatest(60, least(ttl_seconds, case token_format when 'jwt' then 600 else 3600 end)),
    minimum_level = greatest(1, least(minimum_level, 4))
    where ttl_seconds not between 60 and case token_format when 'jwt' then 600 else 3600 end
      or minimum_level not between 1 and 4`.execute(db)
  await addConstraint(db, {
    table: 'resource_server',
    name: 'resource_server_ttl_check',
    definition: "check (ttl_seconds between 60 and case token_format when 'jwt' then 600 else 3600 end)"
  })
  await addConstraint(db, {
    table: 'resource_server',
    name: 'resource_server_level_check',
    definition: 'check (minimum_level between 1 and 4)'
  })
  await addConstraint(db, {
    table: 'resource_server',
    name: 'resource_server_signing_alg_check',
    definition: "check (signing_alg in ('ES256', 'RS256'))"
  })
  await sql.raw(grantWhatIsHeld).execute(db)
  await sql.raw(grantDemo).execute(db)
  await sql.raw(noteGrants).execute(db)
}
