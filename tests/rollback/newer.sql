-- What servers younger than version 15 know. Runs as the owner of the database.
SELECT v >= 160000 AS is_16, v >= 170000 AS is_17, v >= 180000 AS is_18 FROM (SELECT current_setting('server_version_num')::int AS v) x \gset
CREATE SCHEMA newer;
\if :is_16
    CREATE TABLE newer.stored (a text STORAGE EXTERNAL, b text STORAGE DEFAULT);
\endif
\if :is_17
    CREATE TABLE newer.parted (id integer GENERATED ALWAYS AS IDENTITY (START 5), a integer, EXCLUDE USING btree (a WITH =)) PARTITION BY RANGE (a);
    CREATE TABLE newer.parted_1 PARTITION OF newer.parted FOR VALUES FROM (0) TO (100);
    INSERT INTO newer.parted (a) SELECT generate_series(1, 20);
    CREATE COLLATION newer.built_in (provider = builtin, locale = 'C.UTF-8');
    GRANT MAINTAIN ON newer.parted TO reader;
    CREATE DOMAIN newer.never_null AS integer CONSTRAINT not_nothing NOT NULL;
\endif
\if :is_18
    CREATE TABLE newer.virtual (a integer, b integer GENERATED ALWAYS AS (a * 2), c integer GENERATED ALWAYS AS (a * 3) STORED);
    INSERT INTO newer.virtual (a) VALUES (1), (NULL);
    CREATE TABLE newer.nulls (a integer, b integer CONSTRAINT "b; is" NOT NULL, c integer CONSTRAINT c_here NOT NULL NO INHERIT, d integer);
    INSERT INTO newer.nulls VALUES (NULL, 1, 1, NULL);
    ALTER TABLE newer.nulls ADD CONSTRAINT a_someday NOT NULL a NOT VALID;
    COMMENT ON CONSTRAINT "b; is" ON newer.nulls IS 'a NOT NULL with a name';
    COMMENT ON CONSTRAINT a_someday ON newer.nulls IS 'not yet checked';
    CREATE TABLE newer.null_child (e integer) INHERITS (newer.nulls);
    ALTER TABLE newer.null_child ADD CONSTRAINT c_child NOT NULL c;
    CREATE TABLE newer.stays (room int4range, during tsrange, guest text, PRIMARY KEY (room, during WITHOUT OVERLAPS));
    CREATE TABLE newer.bills (room int4range, during tsrange, sum numeric, UNIQUE (room, during WITHOUT OVERLAPS),
        FOREIGN KEY (room, PERIOD during) REFERENCES newer.stays (room, PERIOD during));
    INSERT INTO newer.stays VALUES ('[1,2)', '[2020-01-01,2020-01-05)', 'a'), ('[1,2)', '[2020-01-05,2020-01-09)', 'b'), ('[2,3)', '[2020-01-01,)', 'c');
    INSERT INTO newer.bills VALUES ('[1,2)', '[2020-01-02,2020-01-08)', 10.50);
    CREATE TABLE newer.unenforced (a integer CONSTRAINT big CHECK (a > 10) NOT ENFORCED, b integer, PRIMARY KEY (a),
        CONSTRAINT free FOREIGN KEY (b) REFERENCES newer.unenforced (a) NOT ENFORCED);
    INSERT INTO newer.unenforced VALUES (1, 99);
    CREATE TABLE newer.root (a integer, b integer) PARTITION BY RANGE (a);
    CREATE TABLE newer.leaf PARTITION OF newer.root FOR VALUES FROM (0) TO (9);
    INSERT INTO newer.root VALUES (1, 77);
    ALTER TABLE newer.root ADD CONSTRAINT someday FOREIGN KEY (b) REFERENCES newer.unenforced (a) NOT VALID;
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON LARGE OBJECTS TO reader;
    CREATE PUBLICATION derived FOR TABLE newer.virtual WITH (publish_generated_columns = stored);
\endif
