//! Two databases with a bit of everything that a re-insert has to put aside, cast, match, reject and bring back.

use safemigrate::domain::reinsert::options::{parse_fill, parse_map, parse_map_value};
use safemigrate::domain::reinsert::{OnConflict, Options, Rejects};

pub struct Case {
    pub name: &'static str,
    /// The database at the time of the backup.
    pub then: &'static str,
    /// What became of it since: the schema, and the rows.
    pub changes: &'static str,
    pub options: Options,
    /// Whether some rows do not fit and are saved.
    pub saves: bool,
}

/// Empty tables of equal types.
pub fn straight() -> Case {
    Case {
        name: "straight",
        then: r#"
            CREATE TABLE "User" (id serial PRIMARY KEY, name text NOT NULL UNIQUE, boss int REFERENCES "User", best int);
            CREATE TABLE "Post" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, author int NOT NULL REFERENCES "User", body text);
            ALTER TABLE "User" ADD CONSTRAINT best FOREIGN KEY (best) REFERENCES "Post" ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED;
            COMMENT ON CONSTRAINT best ON "User" IS 'the best of them';
            CREATE TABLE seen (at timestamptz NOT NULL, what jsonb) PARTITION BY RANGE (at);
            CREATE TABLE seen_old PARTITION OF seen FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
            CREATE TABLE seen_new PARTITION OF seen FOR VALUES FROM ('2024-01-01') TO (MAXVALUE);
            CREATE TABLE noted (id serial, what text);
            CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN INSERT INTO noted (what) VALUES (TG_TABLE_NAME); RETURN NEW; END $$;
            CREATE TRIGGER a AFTER INSERT ON "User" FOR EACH ROW EXECUTE FUNCTION note();
            CREATE TRIGGER b AFTER INSERT ON "User" FOR EACH ROW EXECUTE FUNCTION note();
            ALTER TABLE "User" DISABLE TRIGGER b;
            INSERT INTO "User" (name, boss) SELECT 'user ' || n, CASE WHEN n > 1 THEN n / 2 END FROM generate_series(1, 40) n;
            INSERT INTO "Post" (author, body) SELECT 1 + n % 40, repeat('x', n) FROM generate_series(1, 60) n;
            UPDATE "User" SET best = id;
            INSERT INTO seen SELECT '2023-12-20'::timestamptz + n * interval '1 day', jsonb_build_object('n', n) FROM generate_series(1, 30) n;
            CREATE MATERIALIZED VIEW authors AS SELECT author, count(*) FROM "Post" GROUP BY 1;"#,
        changes: r#"TRUNCATE "User", "Post", seen, noted RESTART IDENTITY; REFRESH MATERIALIZED VIEW authors;
            ALTER TABLE "Post" ADD COLUMN likes int NOT NULL DEFAULT 3;"#,
        options: Options::default(),
        saves: false,
    }
}

/// Changed types, rows that are there, rows that do not fit, a column and a table with new names.
pub fn through_staging() -> Case {
    Case {
        name: "through staging",
        then: r#"
            CREATE TYPE state AS ENUM ('new', 'paid', 'lost');
            CREATE TABLE customer (id serial PRIMARY KEY, email text NOT NULL UNIQUE, age int, friend int REFERENCES customer);
            CREATE TABLE "Order" (id int PRIMARY KEY, customer int NOT NULL REFERENCES customer, state state, price numeric(10,3), tag text);
            CREATE TABLE line (label text, price numeric);
            CREATE TABLE event (id bigserial PRIMARY KEY, at timestamp, body json);
            INSERT INTO customer (email, age, friend) SELECT n || '@example.com', n, CASE WHEN n > 1 THEN n - 1 END FROM generate_series(1, 30) n;
            INSERT INTO "Order" SELECT n, 1 + n % 30, (enum_range(NULL::state))[1 + n % 3], n * 1.125, CASE WHEN n % 3 > 0 THEN 't' || n END FROM generate_series(1, 60) n;
            INSERT INTO line SELECT 'line ' || n / 2, n / 2 FROM generate_series(1, 20) n;
            INSERT INTO event (at, body) SELECT '2024-01-01'::timestamp + n * interval '1 minute', json_build_object('n', n) FROM generate_series(1, 30) n;
            CREATE MATERIALIZED VIEW states AS SELECT state::text, count(*) FROM "Order" GROUP BY 1;"#,
        changes: r#"
            DROP MATERIALIZED VIEW states;
            DELETE FROM "Order" WHERE customer IN (7, 8, 9, 30); UPDATE customer SET friend = NULL WHERE id = 10;
            DELETE FROM customer WHERE id IN (7, 8, 9, 30);
            CREATE SCHEMA shop; ALTER TABLE event SET SCHEMA shop;
            ALTER TABLE shop.event ALTER at TYPE timestamptz, ALTER body TYPE jsonb;
            ALTER TABLE customer ALTER age TYPE text, ADD COLUMN code uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000001', ADD CHECK (age <> '7');
            ALTER TABLE "Order" RENAME TO purchase;
            CREATE TYPE status AS ENUM ('NEW', 'PAID', 'LOST');
            ALTER TABLE purchase ALTER state TYPE text, ALTER price TYPE numeric(10,1);
            UPDATE purchase SET state = upper(state);
            ALTER TABLE purchase ALTER state TYPE status USING state::status, ADD COLUMN rank bigserial;
            ALTER TABLE purchase RENAME tag TO label;
            DELETE FROM purchase WHERE id % 2 = 0; UPDATE purchase SET label = 'none', price = 0;
            ALTER TABLE purchase ALTER label SET NOT NULL;
            UPDATE customer SET age = 'old' WHERE id > 10; DELETE FROM line WHERE price > 5; TRUNCATE shop.event;
            CREATE MATERIALIZED VIEW states AS SELECT state::text, count(*) FROM purchase GROUP BY 1;
            CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'quiet please'; END $$;
            CREATE TRIGGER always BEFORE INSERT OR UPDATE ON purchase FOR EACH ROW EXECUTE FUNCTION stop();
            ALTER TABLE purchase ENABLE ALWAYS TRIGGER always;
            CREATE TRIGGER replica BEFORE INSERT OR UPDATE ON customer FOR EACH ROW EXECUTE FUNCTION stop();
            ALTER TABLE customer ENABLE REPLICA TRIGGER replica;
            CREATE RULE elsewhere AS ON DELETE TO line DO INSTEAD NOTHING;
            ALTER TABLE line ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"#,
        options: Options {
            maps: ["Order=purchase", "Order.tag=label", "event=shop.event"].map(|m| parse_map(m).unwrap()).into(),
            value_maps: ["Order.state:new=NEW", "Order.state:paid=PAID", "Order.state:lost=LOST"]
                .map(|m| parse_map_value(m).unwrap())
                .into(),
            fills: vec![parse_fill("purchase.label='none ' || id").unwrap()],
            on_conflict: OnConflict::Update,
            rejects: Rejects::Save,
            ..Options::default()
        },
        saves: true,
    }
}
