-- The roles of Kora and its database. Run it once as a user who may create roles; docker-compose.yml runs it at the first
-- start of its PostgreSQL. `kora` owns the tables and migrates. `kora_app` serves. It owns nothing, so it cannot switch
-- off the triggers of the audit trail (docs/decisions/0002-audit-chain.md). `kora migrate --grant-to kora_app` gives it
-- its rights. The passwords come from the two addresses in the folder SECRETS. They are letters and digits, which need no
-- encoding in an address. A second run sets the passwords again.
\set ON_ERROR_STOP on
\set owner_password `sed -nE 's,^[a-z]+://kora:([A-Za-z0-9]+)@.*,\1,p' "$SECRETS/migration_database_url"`
\set app_password `sed -nE 's,^[a-z]+://kora_app:([A-Za-z0-9]+)@.*,\1,p' "$SECRETS/database_url"`

select length(:'owner_password') < 16 or length(:'app_password') < 16 as unusable \gset
\if :unusable
do 'begin raise exception ''No password of 16 letters and digits or more in SECRETS/migration_database_url or SECRETS/database_url''; end';
\endif

select 'create role kora' where not exists (select from pg_roles where rolname = 'kora') \gexec
select 'create role kora_app' where not exists (select from pg_roles where rolname = 'kora_app') \gexec

select 'create database kora owner kora encoding ''UTF8'' template template0'
where not exists (select from pg_database where datname = 'kora') \gexec
revoke all on database kora from public;
grant connect on database kora to kora_app;

\connect kora
-- until PostgreSQL 14 every role could create tables here
revoke create on schema public from public;
grant create on schema public to kora;

-- last, because the user of this script may be connected as one of them
alter role kora login password :'owner_password';
alter role kora_app login password :'app_password';
