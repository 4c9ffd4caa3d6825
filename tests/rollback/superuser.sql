-- What only a superuser makes.
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE app.passwd (line text) SERVER files OPTIONS (filename '/etc/hostname');
CREATE USER MAPPING FOR reader SERVER files;
GRANT USAGE ON FOREIGN SERVER files TO writer;
CREATE CAST (app.mood AS integer) WITH INOUT;
CREATE FUNCTION app.ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE EVENT TRIGGER on_ddl ON ddl_command_end EXECUTE FUNCTION app.ddl();
COMMENT ON EVENT TRIGGER on_ddl IS 'watching';
CREATE TABLE app.of_writer (id integer);
ALTER TABLE app.of_writer OWNER TO writer;
INSERT INTO app.of_writer VALUES (1);
