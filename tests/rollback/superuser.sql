-- What only a superuser makes.
SELECT count(*) = 1 AS has_file_fdw FROM pg_available_extensions WHERE name = 'file_fdw' \gset
\if :has_file_fdw
    CREATE EXTENSION file_fdw;
    CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
\else
    CREATE FOREIGN DATA WRAPPER file_fdw;
    CREATE SERVER files TYPE 'x' VERSION '1' FOREIGN DATA WRAPPER file_fdw;
\endif
CREATE FOREIGN DATA WRAPPER empty_wrapper OPTIONS (a 'it''s');
CREATE SERVER nowhere FOREIGN DATA WRAPPER empty_wrapper OPTIONS (host 'x');
CREATE FOREIGN TABLE app.passwd (line text OPTIONS (force_not_null 'true') NOT NULL) SERVER files OPTIONS (filename '/etc/hostname');
CREATE FOREIGN TABLE app.by_list_far PARTITION OF app.by_list FOR VALUES IN ('far') SERVER nowhere;
CREATE USER MAPPING FOR reader SERVER files;
CREATE USER MAPPING FOR PUBLIC SERVER nowhere OPTIONS (password 'p;''w');
GRANT USAGE ON FOREIGN SERVER files TO writer;
GRANT USAGE ON FOREIGN DATA WRAPPER empty_wrapper TO reader WITH GRANT OPTION;
COMMENT ON SERVER files IS 'of the machine';
COMMENT ON FOREIGN DATA WRAPPER empty_wrapper IS 'does nothing';
CREATE CAST (app.mood AS integer) WITH INOUT;
CREATE CAST (app.mood AS app.no_labels) WITH INOUT AS IMPLICIT;
CREATE FUNCTION app.ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE EVENT TRIGGER on_ddl ON ddl_command_end EXECUTE FUNCTION app.ddl();
CREATE EVENT TRIGGER on_drop ON sql_drop WHEN TAG IN ('DROP TABLE', 'DROP VIEW') EXECUTE FUNCTION app.ddl();
ALTER EVENT TRIGGER on_drop ENABLE ALWAYS;
CREATE EVENT TRIGGER on_nothing ON table_rewrite EXECUTE FUNCTION app.ddl();
ALTER EVENT TRIGGER on_nothing DISABLE;
COMMENT ON EVENT TRIGGER on_ddl IS 'watching';
CREATE TABLE app.of_writer (id integer);
ALTER TABLE app.of_writer OWNER TO writer;
INSERT INTO app.of_writer VALUES (1);
CREATE TABLE app.forced (id integer); ALTER TABLE app.forced OWNER TO reader;
INSERT INTO app.forced VALUES (1), (2);
ALTER TABLE app.forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY half ON app.forced USING (id = 1);
-- rights that were handed on
GRANT USAGE ON SCHEMA app TO maker; GRANT SELECT ON app.of_writer TO maker WITH GRANT OPTION; SET ROLE maker; GRANT SELECT ON app.of_writer TO reader; RESET ROLE;
ALTER DEFAULT PRIVILEGES FOR ROLE writer IN SCHEMA app GRANT INSERT ON TABLES TO reader;
SELECT lo_from_bytea(5001, 'of the writer'); ALTER LARGE OBJECT 5001 OWNER TO writer;
CREATE PUBLICATION everything FOR ALL TABLES WITH (publish = 'insert');
CREATE PUBLICATION of_schemas FOR TABLES IN SCHEMA app, public WITH (publish = 'insert');
CREATE AGGREGATE app.middle (double precision ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
ALTER FUNCTION app.atomic(integer) LEAKPROOF;
-- a base type, its operators and its way of sorting, all by functions that the server has anyway
CREATE TYPE app.number;
CREATE FUNCTION app.number_in(cstring) RETURNS app.number LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION app.number_out(app.number) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE app.number (INPUT = app.number_in, OUTPUT = app.number_out, LIKE = integer, CATEGORY = 'x', DEFAULT = '7');
CREATE FUNCTION app.number_less(app.number, app.number) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4lt';
CREATE FUNCTION app.number_equal(app.number, app.number) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4eq';
CREATE FUNCTION app.number_compare(app.number, app.number) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'btint4cmp';
CREATE OPERATOR app.< (FUNCTION = app.number_less, LEFTARG = app.number, RIGHTARG = app.number);
CREATE OPERATOR app.= (FUNCTION = app.number_equal, LEFTARG = app.number, RIGHTARG = app.number, COMMUTATOR = OPERATOR(app.=), HASHES, MERGES);
CREATE OPERATOR FAMILY app.numbers USING btree;
CREATE OPERATOR CLASS app.number_ops DEFAULT FOR TYPE app.number USING btree FAMILY app.numbers AS OPERATOR 1 app.<, OPERATOR 3 app.=, FUNCTION 1 app.number_compare(app.number, app.number);
COMMENT ON OPERATOR CLASS app.number_ops USING btree IS 'sorts';
COMMENT ON OPERATOR FAMILY app.numbers USING btree IS 'of numbers';
CREATE TABLE app.numbered (n app.number DEFAULT '3');
INSERT INTO app.numbered VALUES ('5'), (DEFAULT);
CREATE INDEX numbered_n ON app.numbered (n app.number_ops);
CREATE ACCESS METHOD other_heap TYPE TABLE HANDLER heap_tableam_handler;
COMMENT ON ACCESS METHOD other_heap IS 'as the other one';
CREATE TABLE app.other_way (id integer) USING other_heap;
INSERT INTO app.other_way VALUES (6);
CREATE FUNCTION app.number_support(internal) RETURNS internal LANGUAGE internal AS 'textlike_support';
CREATE TRANSFORM FOR integer LANGUAGE sql (FROM SQL WITH FUNCTION pg_catalog.prsd_lextype(internal), TO SQL WITH FUNCTION pg_catalog.int4recv(internal));
COMMENT ON TRANSFORM FOR integer LANGUAGE sql IS 'there and back';
CREATE FUNCTION app.call_mine() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE TRUSTED LANGUAGE mine HANDLER app.call_mine;
CREATE FUNCTION app.in_mine() RETURNS integer LANGUAGE mine AS $$ BEGIN RETURN 1; END $$;
COMMENT ON LANGUAGE mine IS 'like another';
REVOKE USAGE ON LANGUAGE mine FROM PUBLIC; GRANT USAGE ON LANGUAGE mine TO reader;
CREATE TEXT SEARCH PARSER app.words (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
CREATE TEXT SEARCH TEMPLATE app.same_words (INIT = dsimple_init, LEXIZE = dsimple_lexize);
-- what the server made itself, and others may use
GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_logdir() TO reader;
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC; GRANT USAGE ON LANGUAGE plpgsql TO maker, plain;
GRANT SELECT ON pg_catalog.pg_authid TO reader;
-- tablespaces: `fast` is made with the server
CREATE TABLE app.in_fast (id integer PRIMARY KEY USING INDEX TABLESPACE fast, a text) TABLESPACE fast;
INSERT INTO app.in_fast VALUES (1, 'fast');
CREATE INDEX ON app.in_fast (a) TABLESPACE fast;
CREATE MATERIALIZED VIEW app.fast_view TABLESPACE fast AS SELECT * FROM app.in_fast;
CREATE TABLE app.fast_parts (a integer) PARTITION BY LIST (a) TABLESPACE fast;
CREATE TABLE app.slow_part PARTITION OF app.fast_parts FOR VALUES IN (1) TABLESPACE pg_default;
REVOKE SELECT ON LARGE OBJECT 4713 FROM CURRENT_USER;
