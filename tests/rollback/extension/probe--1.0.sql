-- Rows that are the extension's own stay out of a dump; those of the user are in it, and so is the sequence.
CREATE TABLE probe_setting (name text PRIMARY KEY, value text, shipped boolean NOT NULL DEFAULT false);
INSERT INTO probe_setting VALUES ('colour', 'red', true), ('size', 'large', true);
SELECT pg_catalog.pg_extension_config_dump('probe_setting', 'WHERE NOT shipped');
CREATE SEQUENCE probe_number START 10;
SELECT pg_catalog.pg_extension_config_dump('probe_number', '');
CREATE SEQUENCE probe_own;
-- every row, its own included; and rows that refer to them, whose table comes first in the alphabet
CREATE TABLE probe_whole (id integer PRIMARY KEY DEFAULT nextval('probe_number'), name text);
INSERT INTO probe_whole (name) VALUES ('shipped'), ('shipped, too');
SELECT pg_catalog.pg_extension_config_dump('probe_whole', '');
CREATE TABLE probe_detail (whole integer NOT NULL REFERENCES probe_whole, detail text);
INSERT INTO probe_detail VALUES (10, 'of the first');
SELECT pg_catalog.pg_extension_config_dump('probe_detail', '');
CREATE TABLE probe_zone (whole integer NOT NULL REFERENCES probe_whole, note text);
INSERT INTO probe_zone VALUES (10, 'and its table comes last');
SELECT pg_catalog.pg_extension_config_dump('probe_zone', '');
CREATE TABLE probe_hidden (id integer);
CREATE FUNCTION probe_twice(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2 * $1';
