-- What a migration, and what people, may do to it.
DROP VIEW app.users, app.mine CASCADE;
DROP TABLE app.egg CASCADE;
GRANT TRUNCATE ON "User" TO CURRENT_USER; TRUNCATE "User" CASCADE;
ALTER TABLE "User" DROP COLUMN "Mail" CASCADE, ADD COLUMN brand_new integer DEFAULT 4;
CREATE TABLE added_by_migration (id integer PRIMARY KEY);
CREATE SCHEMA added; CREATE TABLE added.more (id integer REFERENCES public.added_by_migration);
CREATE TYPE added.kind AS ENUM ('x');
CREATE FUNCTION added.f() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$;
CREATE FUNCTION added.to_kind(integer) RETURNS added.kind LANGUAGE sql IMMUTABLE AS $$ SELECT 'x'::added.kind $$;
CREATE CAST (integer AS added.kind) WITH FUNCTION added.to_kind(integer);
CREATE TEXT SEARCH DICTIONARY added.words (TEMPLATE = simple);
CREATE COLLATION added.sorted FROM "C";
CREATE STATISTICS added.stats ON id, at FROM empty_table;
ALTER TYPE app.mood ADD VALUE 'new';
DROP SCHEMA "we""ird; Type: TABLE; Schema: x" CASCADE;
DROP SCHEMA nothing_in_it;
SELECT setval('app.called', 9999), nextval('app.fresh'), setval('app.far', 1);
REVOKE ALL ON SCHEMA app FROM reader; GRANT CREATE ON SCHEMA app TO PUBLIC; COMMENT ON SCHEMA app IS 'other';
GRANT ALL ON SCHEMA public TO PUBLIC; COMMENT ON SCHEMA public IS NULL;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT ALL ON TABLES TO writer;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SCHEMAS FROM reader;
DROP MATERIALIZED VIEW app.a_totals CASCADE; REFRESH MATERIALIZED VIEW app.later;
-- what a backup holds of one is its query: one that was out of date comes back fresh
REFRESH MATERIALIZED VIEW app.b_totals;
DROP PUBLICATION news; CREATE PUBLICATION fake FOR TABLE app.hen;
SELECT lo_unlink(4711); SELECT lo_from_bytea(99, 'other'); GRANT UPDATE ON LARGE OBJECT 99 TO writer; SELECT lo_put(4712, 0, 'changed');
GRANT SELECT ON LARGE OBJECT 4713 TO PUBLIC; COMMENT ON LARGE OBJECT 4713 IS 'spoken of';
UPDATE _prisma_migrations SET finished_at = NULL; INSERT INTO _prisma_migrations VALUES ('2', 'y', now(), '2026_more', NULL, NULL, now(), 1);
INSERT INTO empty_table VALUES (1), (2);
DELETE FROM extensions.probe_detail; DELETE FROM extensions.probe_zone; DELETE FROM extensions.probe_whole; INSERT INTO extensions.probe_setting VALUES ('more', 'x', false);
SELECT setval('extensions.probe_number', 1, false);
GRANT INSERT ON extensions.probe_setting TO writer; REVOKE SELECT ON extensions.probe_setting FROM reader;
GRANT EXECUTE ON FUNCTION extensions.probe_twice(integer) TO PUBLIC; GRANT SELECT (id) ON extensions.probe_hidden TO reader;
GRANT USAGE ON SEQUENCE extensions.probe_own TO reader; COMMENT ON EXTENSION probe IS 'other';
SELECT count(*) = 1 AS has_contrib FROM pg_extension WHERE extname = 'unaccent' \gset
\if :has_contrib
    DROP EXTENSION unaccent CASCADE; DROP EXTENSION hstore CASCADE;
    CREATE EXTENSION pg_trgm;
\endif
