-- What PostgreSQL's own extensions add, where a server has them. Runs as the owner of the database.
SELECT count(*) = 4 AS has_contrib FROM pg_available_extensions WHERE name IN ('citext', 'hstore', 'unaccent', 'btree_gist') \gset
\if :has_contrib
    CREATE EXTENSION citext;
    CREATE EXTENSION hstore WITH SCHEMA extensions;
    CREATE EXTENSION unaccent;
    CREATE EXTENSION btree_gist;
    COMMENT ON EXTENSION unaccent IS 'takes accents off';
    CREATE DOMAIN app.mail AS citext CHECK (VALUE ~ '@');
    CREATE TABLE app.contrib (id integer, mail app.mail UNIQUE, extra extensions.hstore, during tsrange, EXCLUDE USING gist (id WITH =, during WITH &&));
    INSERT INTO app.contrib VALUES (1, 'A@x', 'a=>1,b=>NULL', '[2020-01-01,2021-01-01)'), (1, NULL, '', '[2021-01-01,)');
    CREATE TEXT SEARCH DICTIONARY app.plain_letters (TEMPLATE = unaccent, rules = 'unaccent');
    CREATE INDEX ON app.contrib USING gist (extra);
\endif
-- some builds of PostgreSQL come without it
SELECT 'CREATE EXTENSION "uuid-ossp" WITH SCHEMA extensions' FROM pg_available_extensions WHERE name = 'uuid-ossp' \gexec
