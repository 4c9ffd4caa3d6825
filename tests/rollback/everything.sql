-- A database that has one of everything that pg_dump knows, with hostile names and odd states.
-- Runs as a role that owns the database, on every server from version 15. What needs a superuser is in superuser.sql, what
-- PostgreSQL's own extensions bring in contrib.sql, what younger servers know in newer.sql.

CREATE SCHEMA extensions;
-- tests/rollback/extension: one of ours, with configuration tables
CREATE EXTENSION probe WITH SCHEMA extensions;
INSERT INTO extensions.probe_setting VALUES ('taste', 'sweet', false);
UPDATE extensions.probe_setting SET value = 'small' WHERE name = 'size';
INSERT INTO extensions.probe_whole (name) VALUES ('mine');
INSERT INTO extensions.probe_detail VALUES (12, 'of mine');
INSERT INTO extensions.probe_zone SELECT 12, repeat('long', 100);
UPDATE extensions.probe_detail SET detail = 'changed' WHERE whole = 10;
SELECT setval('extensions.probe_number', 4000);
GRANT SELECT ON extensions.probe_setting TO reader;
REVOKE EXECUTE ON FUNCTION extensions.probe_twice(integer) FROM PUBLIC;
COMMENT ON EXTENSION probe IS 'ours; Type: "x"';

CREATE SCHEMA "we""ird; Type: TABLE; Schema: x";
CREATE SCHEMA app;
COMMENT ON SCHEMA app IS 'it''s the app';
CREATE SCHEMA nothing_in_it;
GRANT USAGE ON SCHEMA app TO reader;
GRANT CREATE, USAGE ON SCHEMA app TO writer WITH GRANT OPTION;
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO reader;
COMMENT ON SCHEMA public IS 'not the standard one';
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO reader;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO writer;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO reader WITH GRANT OPTION;

CREATE TYPE app.mood AS ENUM ('sad', 'it''s ok', 'happy');
ALTER TYPE app.mood ADD VALUE 'between; "x"' BEFORE 'happy';
COMMENT ON TYPE app.mood IS 'how one feels';
CREATE TYPE app.no_labels AS ENUM ();
CREATE TYPE app.point3 AS (x integer, y numeric(10, 2), label text COLLATE "C", gone integer);
ALTER TYPE app.point3 DROP ATTRIBUTE gone;
COMMENT ON COLUMN app.point3.label IS 'of the point';
CREATE TYPE app.nothing AS ();
CREATE FUNCTION app.apart(double precision, double precision) RETURNS double precision LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2';
CREATE TYPE app.span AS RANGE (subtype = float8, subtype_diff = app.apart, multirange_type_name = app.spans);
CREATE DOMAIN app.email AS text CHECK (VALUE ~ '@') CHECK (VALUE <> '');
CREATE DOMAIN app.small AS integer DEFAULT 3 NOT NULL CONSTRAINT positive CHECK (VALUE > 0);
ALTER DOMAIN app.small ADD CONSTRAINT tiny CHECK (VALUE < 100) NOT VALID;
COMMENT ON CONSTRAINT positive ON DOMAIN app.small IS 'more than nothing';
COMMENT ON DOMAIN app.small IS 'a small number';
CREATE DOMAIN app.small_list AS app.small[] DEFAULT '{1}';
GRANT USAGE ON TYPE app.email TO reader;
CREATE COLLATION app.c_like FROM "C";
COMMENT ON COLLATION app.c_like IS 'as bytes';
CREATE CONVERSION app.back_and_forth FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TEXT SEARCH DICTIONARY app.stems (TEMPLATE = pg_catalog.snowball, language = 'german', stopwords = 'german');
CREATE TEXT SEARCH CONFIGURATION app.english (COPY = pg_catalog.english);
ALTER TEXT SEARCH CONFIGURATION app.english ALTER MAPPING FOR asciiword, word WITH app.stems, simple;
COMMENT ON TEXT SEARCH CONFIGURATION app.english IS 'with german stems';

-- finds its helper only by the application's search path
CREATE FUNCTION public.helper(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT lower($1) $$;
CREATE FUNCTION public.plain(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN helper($1); END $$;
-- since version 17 indexes and materialized views do not search the application's path
SELECT 'ALTER FUNCTION public.plain(text) SET search_path = public' WHERE current_setting('server_version_num')::int >= 170000 \gexec
CREATE FUNCTION public.valid(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN RETURN helper($1) IS DISTINCT FROM 'bad'; END $f$;
CREATE DOMAIN public.checked AS text CHECK (valid(VALUE));

CREATE TABLE "User" (
    id serial PRIMARY KEY,
    "Mail" app.email UNIQUE,
    name varchar(40) NOT NULL DEFAULT 'no "name"' CHECK (name <> 'it''s forbidden'),
    mood app.mood DEFAULT 'happy',
    tags text[] DEFAULT '{}',
    place app.point3,
    during tstzrange,
    wide app.span,
    meta jsonb,
    secret bytea,
    price numeric(12, 3),
    ratio double precision,
    born date,
    seen timestamptz,
    took interval,
    ip inet,
    note public.checked,
    manager integer REFERENCES "User" (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    shout text GENERATED ALWAYS AS (upper(name)) STORED,
    gone text,
    spans app.spans,
    bits bit varying(9),
    cost money,
    found tsvector
);
ALTER TABLE "User" DROP COLUMN gone;
INSERT INTO "User" ("Mail", name, mood, tags, place, during, wide, meta, secret, price, ratio, born, seen, took, ip, note, manager) VALUES
 ('A@x', 'a', 'sad', ARRAY['x', 'y,"z', NULL], ROW(1, 2.50, 'l,"'), '[2020-01-01 00:00+00,)', '[1.5,2)', '{"a": [1, null]}', '\x00ff0a09', 1.100, 'NaN', '2020-02-29', '2020-01-01 12:00+05', '-1 mon 2 days -03:00', '10.0.0.1/8', 'Note', 2),
 (NULL, 'tab	and\nbackslash\', NULL, NULL, NULL, 'empty', NULL, NULL, '', 'NaN', '-Infinity', '-infinity', 'infinity', NULL, '::1', NULL, 1),
 ('b@x', 'ünï', 'it''s ok', '{}', ROW(NULL, NULL, NULL), NULL, 'empty', 'null', NULL, -0.001, 0.1::float8 + 0.2, '0001-01-01 BC', '0099-01-01', '1 year', NULL, '', NULL);
UPDATE "User" SET spans = '{[1,2),[3,4)}', bits = B'101', cost = 12.34, found = 'a:1A b:2' WHERE id = 1;
COMMENT ON TABLE "User" IS E'two\nlines; Type: "x"';
COMMENT ON COLUMN "User"."Mail" IS 'where; they; live';
CREATE INDEX plain_names ON "User" (plain(name));
ALTER INDEX plain_names ALTER COLUMN 1 SET STATISTICS 77;
CREATE INDEX "User partly" ON "User" USING gin (tags) WITH (fastupdate = off) WHERE mood IS NOT NULL;
CREATE UNIQUE INDEX "User nulls" ON "User" (born DESC NULLS LAST, name text_pattern_ops) INCLUDE (mood) NULLS NOT DISTINCT WITH (fillfactor = 70);
ALTER TABLE "User" CLUSTER ON "User nulls";
COMMENT ON INDEX plain_names IS 'needs the path';
CREATE STATISTICS app.user_stats (ndistinct) ON name, mood FROM "User";
ALTER STATISTICS app.user_stats SET STATISTICS 33;
COMMENT ON STATISTICS app.user_stats IS 'names and moods';
CREATE STATISTICS app.shouted ON (lower(name)), (price * 2) FROM "User";
ALTER TABLE "User" ALTER COLUMN name SET STATISTICS 500, ALTER COLUMN price SET (n_distinct = -0.5, n_distinct_inherited = 9);
ALTER TABLE "User" ALTER COLUMN note SET STORAGE EXTERNAL, ALTER COLUMN name SET COMPRESSION pglz;
ALTER TABLE "User" SET (fillfactor = 80, autovacuum_enabled = off, toast.autovacuum_enabled = off, toast_tuple_target = 256);
ALTER TABLE "User" REPLICA IDENTITY FULL;
GRANT SELECT, UPDATE (name) ON "User" TO writer;
GRANT SELECT (id, "Mail"), REFERENCES (id) ON "User" TO reader WITH GRANT OPTION;
GRANT SELECT ON "User" TO PUBLIC;
ALTER TABLE "User" ADD CONSTRAINT long_enough CHECK (length(name) > 0) NO INHERIT;

-- two indexes of which one is for clustering and the other for replication: both take more than their own lock
CREATE TABLE app.identified (a integer NOT NULL, b integer NOT NULL, c text);
INSERT INTO app.identified SELECT n, -n, 'c' || n FROM generate_series(1, 3000) n;
CREATE UNIQUE INDEX identified_a ON app.identified (a);
CREATE UNIQUE INDEX identified_b ON app.identified (b);
ALTER TABLE app.identified CLUSTER ON identified_a;
ALTER TABLE app.identified REPLICA IDENTITY USING INDEX identified_b;
CREATE TABLE app.unidentified (a integer);
ALTER TABLE app.unidentified REPLICA IDENTITY NOTHING;

CREATE TABLE app.thing (
    id bigint GENERATED ALWAYS AS IDENTITY (START 1000 INCREMENT 10) PRIMARY KEY,
    other integer GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME app."odd name" CACHE 7 MAXVALUE 5000 CYCLE),
    "from" text,
    stay int4range,
    EXCLUDE USING gist (stay WITH &&) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO app.thing ("from", stay) SELECT 'row ' || n, int4range(n * 10, n * 10 + 5) FROM generate_series(1, 50) n;
CREATE TABLE app.unlogged_thing AS SELECT 1 AS a; ALTER TABLE app.unlogged_thing SET UNLOGGED;
CREATE UNLOGGED SEQUENCE app.unlogged_sequence START 9; SELECT nextval('app.unlogged_sequence');

-- foreign keys in a cycle, and constraints that were never checked
CREATE TABLE app.hen (id integer PRIMARY KEY, egg integer NOT NULL);
CREATE TABLE app.egg (id integer PRIMARY KEY, hen integer NOT NULL REFERENCES app.hen DEFERRABLE);
INSERT INTO app.hen VALUES (1, 1), (2, 1);
INSERT INTO app.egg VALUES (1, 2);
ALTER TABLE app.hen ADD CONSTRAINT has_egg FOREIGN KEY (egg) REFERENCES app.egg;
INSERT INTO app.hen VALUES (3, 1);
ALTER TABLE app.egg ADD COLUMN size integer;
UPDATE app.egg SET size = -1;
ALTER TABLE app.egg ADD CONSTRAINT sized CHECK (size > 0) NOT VALID;
ALTER TABLE app.egg ADD CONSTRAINT to_thing FOREIGN KEY (size) REFERENCES app.thing (id) NOT VALID;
COMMENT ON CONSTRAINT sized ON app.egg IS 'never checked';
CREATE TABLE app.referring (a integer, b integer, c integer, UNIQUE (a, b), FOREIGN KEY (a, b) REFERENCES app.referring (a, b) MATCH FULL ON UPDATE CASCADE,
    FOREIGN KEY (c, b) REFERENCES app.referring (a, b) ON DELETE SET NULL (c));

CREATE TABLE app.no_columns ();
INSERT INTO app.no_columns DEFAULT VALUES;
INSERT INTO app.no_columns DEFAULT VALUES;
CREATE TABLE app.all_dropped (a integer); INSERT INTO app.all_dropped VALUES (1); ALTER TABLE app.all_dropped DROP COLUMN a;
CREATE TABLE app.no_key (a integer, b text);
INSERT INTO app.no_key VALUES (1, 'x'), (1, 'x'), (NULL, NULL), (NULL, NULL), (1, 'x');
CREATE TABLE app.typed OF app.point3 (x WITH OPTIONS PRIMARY KEY);
INSERT INTO app.typed VALUES (1, 2, 'three');
CREATE TABLE app.derived (a integer, b integer GENERATED ALWAYS AS (a + 1) STORED, c text COLLATE "C" DEFAULT CURRENT_USER, d app.mood[], e app.small_list);
INSERT INTO app.derived VALUES (1, DEFAULT, 'c', '{sad,NULL}', '{1,2}');
CREATE TABLE "we""ird; Type: TABLE; Schema: x"."ta""ble; Owner: me" ("co""l" integer PRIMARY KEY, "SELECT" integer);
INSERT INTO "we""ird; Type: TABLE; Schema: x"."ta""ble; Owner: me" VALUES (1, 2);

-- an index that never became one: no dump has it, and none may fail over it
CREATE TABLE app.doubled (a integer); INSERT INTO app.doubled VALUES (1), (1);
\set ON_ERROR_STOP off
CREATE UNIQUE INDEX CONCURRENTLY doubled_invalid ON app.doubled (a);
\set ON_ERROR_STOP on
SELECT 1 / count(*) FROM pg_index WHERE indexrelid = 'app.doubled_invalid'::regclass AND NOT indisvalid;

-- partitions of partitions, and inheritance that was made afterwards
CREATE TABLE app.event (at timestamptz NOT NULL, kind app.mood, body text, PRIMARY KEY (at)) PARTITION BY RANGE (at);
CREATE TABLE app.event_2020 PARTITION OF app.event FOR VALUES FROM ('2020-01-01 00:00+01') TO ('2021-01-01 00:00+01') PARTITION BY RANGE (at);
CREATE TABLE app.event_2020_a PARTITION OF app.event_2020 FOR VALUES FROM ('2020-01-01 00:00+01') TO ('2020-07-01 00:00+00');
CREATE TABLE app.event_2020_b PARTITION OF app.event_2020 FOR VALUES FROM ('2020-07-01 00:00+00') TO ('2021-01-01 00:00+01');
CREATE TABLE app.event_rest (body text, extra_gone integer, kind app.mood, at timestamptz NOT NULL);
ALTER TABLE app.event_rest DROP COLUMN extra_gone;
ALTER TABLE app.event ATTACH PARTITION app.event_rest DEFAULT;
INSERT INTO app.event SELECT '2020-01-02'::timestamptz + n * interval '3 days', 'sad', 'e' || n FROM generate_series(1, 300) n;
CREATE INDEX event_kind ON app.event (kind);
CREATE INDEX event_body ON ONLY app.event (body);
ALTER TABLE app.event_2020_a ALTER COLUMN body SET DEFAULT 'of the first half', ADD CONSTRAINT first_half CHECK (body <> 'late');
CREATE TABLE app.by_list (a integer, b text NOT NULL) PARTITION BY LIST (b);
CREATE TABLE app.by_list_xy PARTITION OF app.by_list FOR VALUES IN ('x', 'it''s y');
CREATE TABLE app.by_list_hash PARTITION OF app.by_list DEFAULT PARTITION BY HASH (a, lower(b));
CREATE TABLE app.by_list_hash_0 PARTITION OF app.by_list_hash FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE app.by_list_hash_1 PARTITION OF app.by_list_hash FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO app.by_list SELECT n, CASE n % 3 WHEN 0 THEN 'x' WHEN 1 THEN 'it''s y' ELSE 'z' || n END FROM generate_series(1, 100) n;
CREATE TABLE app.of_event (at timestamptz REFERENCES app.event);
INSERT INTO app.of_event SELECT at FROM app.event LIMIT 20;
CREATE TABLE app.childless (a integer) PARTITION BY RANGE (a);
CREATE TABLE app.parent (a integer, b text, d integer DEFAULT 5);
CREATE TABLE app.child (c integer) INHERITS (app.parent);
CREATE TABLE app.second (e integer CHECK (e > 0));
CREATE TABLE app.of_two (a integer DEFAULT 7, f text) INHERITS (app.parent, app.second);
INSERT INTO app.child VALUES (1, 'b', 2, 3); INSERT INTO app.parent VALUES (9, 'p', 8); INSERT INTO app.of_two VALUES (1, '2', 3, 4, '5');

CREATE SEQUENCE app.fresh START 42;
CREATE SEQUENCE app.called START 42; SELECT nextval('app.called');
CREATE SEQUENCE app.down INCREMENT -5 MINVALUE -100 MAXVALUE 0 START -3 CYCLE; SELECT nextval('app.down');
CREATE SEQUENCE app.owned AS smallint OWNED BY app.egg.size; SELECT setval('app.owned', 77, false);
CREATE SEQUENCE app.ended AS smallint CACHE 20; SELECT setval('app.ended', 32767, true);
CREATE SEQUENCE app.far MINVALUE -9223372036854775808 START -9223372036854775808 INCREMENT 3; SELECT nextval('app.far');
COMMENT ON SEQUENCE app.far IS 'as far as it goes';
GRANT USAGE ON SEQUENCE app.far TO reader;

CREATE VIEW app.users AS SELECT u.id, u.name, count(t.*) AS things FROM "User" u LEFT JOIN app.thing t ON t.id > u.id GROUP BY u.id;
CREATE VIEW app.mine WITH (security_barrier) AS SELECT * FROM "User" WHERE mood = 'sad' WITH CHECK OPTION;
COMMENT ON VIEW app.mine IS 'mine';
COMMENT ON COLUMN app.mine.name IS 'whose';
ALTER VIEW app.mine ALTER COLUMN name SET DEFAULT 'nobody';
CREATE VIEW app.asker WITH (security_invoker, check_option = local) AS SELECT id FROM "User" WHERE id > 0;
CREATE RECURSIVE VIEW app.counted (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM counted WHERE n < 5;
GRANT SELECT (id) ON app.asker TO reader;
CREATE RULE no_delete AS ON DELETE TO app.mine DO INSTEAD NOTHING;
CREATE RULE also AS ON UPDATE TO app.no_key WHERE old.a > 5 DO ALSO (INSERT INTO app.unidentified VALUES (1); DELETE FROM app.unidentified);
CREATE RULE telling AS ON DELETE TO app.no_key DO ALSO NOTIFY told;
ALTER TABLE app.no_key DISABLE RULE also;
COMMENT ON RULE also ON app.no_key IS 'is off';
-- views that need each other: pg_dump has to make one twice
CREATE VIEW app.first_of_two AS SELECT 1 AS a;
CREATE VIEW app.second_of_two AS SELECT a FROM app.first_of_two;
CREATE OR REPLACE VIEW app.first_of_two AS SELECT a FROM app.no_key;
CREATE RULE through AS ON INSERT TO app.first_of_two DO INSTEAD INSERT INTO app.no_key SELECT new.a FROM app.second_of_two;
CREATE MATERIALIZED VIEW app.later AS SELECT count(*) AS n FROM app.thing WITH NO DATA;
CREATE MATERIALIZED VIEW app.b_totals AS SELECT name, plain(name) AS low, count(*) AS n FROM "User" GROUP BY name;
CREATE MATERIALIZED VIEW app.a_totals WITH (fillfactor = 60) AS SELECT sum(n) AS n FROM app.b_totals;
CREATE UNIQUE INDEX ON app.b_totals (name);
ALTER MATERIALIZED VIEW app.b_totals CLUSTER ON b_totals_name_idx;
COMMENT ON MATERIALIZED VIEW app.a_totals IS 'of all';
-- one reads another through a view, and one through functions, which PostgreSQL does not know
CREATE VIEW app.between AS SELECT * FROM app.a_totals;
CREATE MATERIALIZED VIEW app."0" AS SELECT * FROM app.between;
CREATE MATERIALIZED VIEW app.zz_read AS SELECT 5 AS n;
CREATE FUNCTION app.reads() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT sum(n) FROM app.zz_read); END $$;
CREATE MATERIALIZED VIEW app.aa_reads AS SELECT app.reads() AS n;

CREATE FUNCTION app.noisy() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN /*
-- Name: fake; Type: TABLE; Schema: app; Owner: nobody
--
BEGIN;
COMMIT;
\restrict x
SET default_tablespace = nowhere;
*/
RAISE EXCEPTION 'a trigger fired';
END
$body$;
CREATE TRIGGER noisy BEFORE INSERT ON app.thing FOR EACH ROW EXECUTE FUNCTION app.noisy();
CREATE TRIGGER quiet AFTER UPDATE ON "User" FOR EACH STATEMENT EXECUTE FUNCTION app.noisy();
ALTER TABLE "User" DISABLE TRIGGER quiet;
CREATE TRIGGER "all; ways" BEFORE UPDATE OF name, price ON "User" FOR EACH ROW WHEN (old.name IS DISTINCT FROM new.name) EXECUTE FUNCTION app.noisy('it''s', 'an \argument');
COMMENT ON TRIGGER "all; ways" ON "User" IS 'with arguments';
ALTER TABLE "User" ENABLE ALWAYS TRIGGER "all; ways";
CREATE TRIGGER seen_all AFTER DELETE ON app.no_key REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION app.noisy();
ALTER TABLE app.no_key ENABLE REPLICA TRIGGER seen_all;
CREATE CONSTRAINT TRIGGER in_the_end AFTER INSERT ON app.hen FROM app.egg DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.noisy();
CREATE TRIGGER instead INSTEAD OF UPDATE ON app.users FOR EACH ROW EXECUTE FUNCTION app.noisy();
CREATE TRIGGER of_all AFTER INSERT ON app.event FOR EACH ROW EXECUTE FUNCTION app.noisy();
ALTER TABLE app.event_rest DISABLE TRIGGER of_all;
CREATE FUNCTION app.atomic(a integer, OUT b integer) LANGUAGE sql BEGIN ATOMIC SELECT a + 1; SELECT a + 2; END;
CREATE FUNCTION app.atomic_over() RETURNS SETOF app.no_key LANGUAGE sql STABLE ROWS 7 BEGIN ATOMIC SELECT * FROM app.no_key ORDER BY a; END;
CREATE FUNCTION app.odd(VARIADIC parts text[] DEFAULT '{a,"b;c"}') RETURNS TABLE (n bigint, part text) LANGUAGE sql STRICT STABLE PARALLEL SAFE
    SECURITY DEFINER COST 9 ROWS 3 SET search_path = app, "$user", "we""ird" SET work_mem = '8MB' AS $$ SELECT count(*), min(p) FROM unnest(parts) p $$;
COMMENT ON FUNCTION app.odd(text[]) IS 'has everything';
CREATE PROCEDURE app.proc(INOUT x integer) LANGUAGE plpgsql AS $$ BEGIN x := x + 1; COMMIT; END $$;
CREATE AGGREGATE app.mul (double precision) (SFUNC = float8mul, STYPE = double precision, INITCOND = 1);
COMMENT ON AGGREGATE app.mul(double precision) IS 'product';
CREATE FUNCTION app.same(app.mood, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT $1::text = $2 $$;
CREATE OPERATOR app.=~= (FUNCTION = app.same, LEFTARG = app.mood, RIGHTARG = text, RESTRICT = eqsel);
COMMENT ON OPERATOR app.=~= (app.mood, text) IS 'feels like';
CREATE FUNCTION app.to_number(app.point3) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT ($1).x $$;
CREATE CAST (app.point3 AS integer) WITH FUNCTION app.to_number(app.point3) AS ASSIGNMENT;
COMMENT ON CAST (app.point3 AS integer) IS 'its x';
REVOKE EXECUTE ON FUNCTION app.atomic(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.atomic(integer) TO reader;
GRANT EXECUTE ON PROCEDURE app.proc(integer) TO writer;

ALTER TABLE app.hen ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_hens ON app.hen FOR SELECT TO reader USING (id > 1);
CREATE POLICY "not; all" ON app.hen AS RESTRICTIVE USING (id < 9) WITH CHECK (egg IN (SELECT id FROM app.egg));
COMMENT ON POLICY own_hens ON app.hen IS 'their own';
CREATE PUBLICATION news FOR TABLE app.hen (id, egg) WHERE (id > 0), app.event WITH (publish = 'insert, truncate', publish_via_partition_root = true);
COMMENT ON PUBLICATION news IS 'of hens';
CREATE PUBLICATION empty_news;

SELECT lo_from_bytea(4711, '\x00010203ff'); SELECT lo_from_bytea(4712, decode(repeat('ab', 50000), 'hex')); SELECT lo_create(4713);
COMMENT ON LARGE OBJECT 4711 IS 'large; Type: BLOB';
GRANT SELECT ON LARGE OBJECT 4712 TO reader;
GRANT UPDATE ON LARGE OBJECT 4713 TO writer WITH GRANT OPTION;

CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz,
    migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(),
    applied_steps_count integer NOT NULL DEFAULT 0);
INSERT INTO _prisma_migrations VALUES ('1', 'x', now(), '2026_init', NULL, NULL, now(), 1);
CREATE TABLE empty_table (id integer PRIMARY KEY, at timestamptz DEFAULT now());
-- not even the owner may, unless he gives himself the right again
REVOKE TRUNCATE, TRIGGER ON "User" FROM CURRENT_USER;
