-- What depends on how a server was built. Runs as the owner of the database.
SELECT count(*) > 9 AS has_icu, current_setting('server_version_num')::int >= 160000 AS is_16 FROM pg_collation WHERE collprovider = 'i' \gset
\if :has_icu
    CREATE COLLATION app.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE TABLE app.loosely (name text COLLATE app.loose UNIQUE);
    INSERT INTO app.loosely VALUES ('Strasse'), ('x');
    \if :is_16
        CREATE COLLATION app.ruled (provider = icu, locale = 'und', rules = '& a < g');
    \endif
\endif
CREATE FUNCTION pg_temp.knows_xml() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM '<a/>'::xml; RETURN true; EXCEPTION WHEN feature_not_supported THEN RETURN false; END $$;
SELECT 'CREATE TABLE app.documents AS SELECT ''<a>1</a><b/>''::xml AS doc UNION ALL SELECT ''just text''' WHERE pg_temp.knows_xml() \gexec
CREATE FUNCTION pg_temp.knows_lz4() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN SET LOCAL default_toast_compression = lz4; RETURN true; EXCEPTION WHEN OTHERS THEN RETURN false; END $$;
SELECT 'ALTER TABLE "User" ALTER COLUMN meta SET COMPRESSION lz4' WHERE pg_temp.knows_lz4() \gexec
