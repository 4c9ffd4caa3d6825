//! Re-insert through the library: a backup, a change, a loss, and the rows back in the schema of today.

mod support;

use safemigrate::domain::event::Quiet;
use safemigrate::domain::manifest::{Manifest, Reason};
use safemigrate::domain::reinsert::options::{parse_cast, parse_fill, parse_map, parse_map_value, parse_table};
use safemigrate::domain::reinsert::{OnConflict, Options, Rejects, Report, TableReport, describe};
use safemigrate::domain::suggest::command_line;
use safemigrate::error::Error;
use safemigrate::operations::checkpoint::{Kinds, ReadRows, Request, take};
use safemigrate::operations::interrupt::Interrupt;
use safemigrate::operations::reinsert::{Outcome, apply, dry_run, prepare, survey};
use safemigrate::postgres::url::DatabaseUrl;
use safemigrate::store::Store;
use support::Cluster;

/// A database, and a store with one backup of it.
struct Shop {
    cluster: Cluster,
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    backup: Option<Manifest>,
    role: &'static str,
}

const DB: &str = "shop";

impl Shop {
    fn new(schema: &str) -> Shop {
        let cluster = Cluster::start();
        cluster.create_db(DB);
        cluster.psql(DB, schema);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut shop = Shop { cluster, runtime, folder: tempfile::tempdir().unwrap(), backup: None, role: "postgres" };
        shop.back_up();
        shop
    }

    fn url(&self) -> DatabaseUrl {
        DatabaseUrl::parse(&self.cluster.url_as(self.role, support::PASSWORD, DB)).unwrap()
    }

    fn store(&self) -> Store {
        Store::open(&self.folder.path().join("store")).unwrap()
    }

    fn back_up(&mut self) {
        let request = Request {
            kinds: Kinds::DataOnly,
            reason: Reason::Manual,
            run: None,
            project: None,
            read: ReadRows::default(),
        };
        let (_hand, interrupt) = Interrupt::new();
        let url = DatabaseUrl::parse(&self.cluster.url(DB)).unwrap();
        let taken = self.runtime.block_on(take(&url, &self.store(), &request, &Quiet, &interrupt)).unwrap();
        self.backup = taken.data_only;
    }

    fn psql(&self, sql: &str) -> String {
        self.cluster.psql(DB, sql)
    }

    fn run(&self, options: &Options, dry: bool) -> Result<Outcome, Error> {
        let (url, store, backup) = (self.url(), self.store(), self.backup.as_ref().unwrap());
        let (_hand, interrupt) = Interrupt::new();
        self.runtime.block_on(async {
            let plan = prepare(&url, &store, backup, options).await?;
            for line in describe(&plan) {
                println!("{line}");
            }
            if dry {
                dry_run(&url, &store, backup, &plan, &Quiet, &interrupt).await
            } else {
                apply(&url, &store, backup, &plan, &Quiet, &interrupt, &mut |_| Ok(())).await
            }
        })
    }

    #[track_caller]
    fn reinsert(&self, options: &Options) -> Report {
        match self.run(options, false) {
            Ok(Outcome::Done(report)) => report,
            Ok(Outcome::DoesNotFit(report)) => panic!("does not fit: {report:#?}"),
            Err(error) => panic!("{error} {:?}", error.hints),
        }
    }

    #[track_caller]
    fn does_not_fit(&self, options: &Options) -> Report {
        let before = self.cluster.dump(DB);
        let report = match self.run(options, false) {
            Ok(Outcome::DoesNotFit(report)) => report,
            other => panic!("{other:#?}"),
        };
        assert_eq!(before, self.cluster.dump(DB), "nothing may change");
        report
    }

    #[track_caller]
    fn refused(&self, options: &Options) -> Error {
        let before = self.cluster.dump(DB);
        let error = self.run(options, false).unwrap_err();
        assert_eq!(before, self.cluster.dump(DB), "nothing may change");
        error
    }
}

fn options() -> Options {
    Options::default()
}

fn mapped(maps: &[&str]) -> Options {
    Options { maps: maps.iter().map(|m| parse_map(m).unwrap()).collect(), ..options() }
}

fn filled(fills: &[&str]) -> Options {
    Options { fills: fills.iter().map(|m| parse_fill(m).unwrap()).collect(), ..options() }
}

#[track_caller]
fn of<'r>(report: &'r Report, table: &str) -> &'r TableReport {
    let found =
        report.tables.iter().find(|t| t.table.to_string() == table).unwrap_or_else(|| panic!("{table}: {report:#?}"));
    assert!(found.is_balanced(), "{found:#?}");
    found
}

/// in the backup, inserted, already present, updated, rejected
fn counts(table: &TableReport) -> [u64; 5] {
    [table.in_backup, table.inserted, table.already_present, table.updated, table.rejected]
}

const PRODUCTS: &str = r#"
    CREATE TABLE "Product" (id serial PRIMARY KEY, name text NOT NULL, price numeric(10,2) NOT NULL);
    INSERT INTO "Product" (name, price) SELECT 'product ' || n, n * 1.5 FROM generate_series(1, 10) n;
"#;

#[test]
fn rows_come_back_with_a_new_field_at_its_default() {
    let shop = Shop::new(PRODUCTS);
    shop.psql(r#"ALTER TABLE "Product" ADD COLUMN description text DEFAULT ''; TRUNCATE "Product" RESTART IDENTITY"#);
    let report = shop.reinsert(&options());
    assert_eq!(counts(of(&report, "public.Product")), [10, 10, 0, 0, 0]);
    assert_eq!(
        shop.psql(r#"SELECT count(*), sum(price), count(*) FILTER (WHERE description = '') FROM "Product""#),
        "10|82.50|10"
    );
    assert_eq!(shop.psql(r#"INSERT INTO "Product" (name, price) VALUES ('new', 1) RETURNING id"#), "11");
    // the same again adds nothing
    let report = shop.reinsert(&options());
    assert_eq!(counts(of(&report, "public.Product")), [10, 0, 10, 0, 0]);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["tables"][0]["columns_filled"][0]["column"], "description");
}

#[test]
fn a_dry_run_changes_nothing_and_counts_truly() {
    let shop = Shop::new(PRODUCTS);
    shop.psql(r#"ALTER TABLE "Product" DROP COLUMN id; ALTER TABLE "Product" ADD COLUMN id bigserial PRIMARY KEY; DELETE FROM "Product" WHERE price > 6"#);
    let before = shop.cluster.dump(DB);
    let report = match shop.run(&options(), true).unwrap() {
        Outcome::Done(report) => report,
        other => panic!("{other:?}"),
    };
    assert_eq!(counts(of(&report, "public.Product")), [10, 6, 4, 0, 0]);
    assert_eq!(before, shop.cluster.dump(DB));
    assert_eq!(counts(of(&shop.reinsert(&options()), "public.Product")), [10, 6, 4, 0, 0]);
    assert_eq!(shop.psql(r#"SELECT count(*), count(DISTINCT id) FROM "Product""#), "10|10");
}

#[test]
fn renamed_columns_and_tables_come_back_through_maps() {
    let shop = Shop::new(PRODUCTS);
    shop.psql(
        r#"DROP TABLE "Product"; CREATE TABLE item (id serial PRIMARY KEY, title text NOT NULL, price int, cost int)"#,
    );
    let report = shop.reinsert(&mapped(&["Product=item", "Product.name=title"]));
    let item = of(&report, "public.item");
    assert_eq!((item.from.to_string().as_str(), counts(item)), ("public.Product", [10, 10, 0, 0, 0]));
    assert_eq!(item.columns_mapped["name"], "title");
    assert_eq!(item.columns_changed[0].values, 5, "{item:?}");
    assert_eq!(shop.psql("SELECT price FROM item ORDER BY id LIMIT 3"), "2\n3\n5");
    assert_eq!(shop.psql("SELECT nextval('item_id_seq')"), "11");
}

#[test]
fn names_that_exist_nowhere_are_wrong_usage() {
    let shop = Shop::new(PRODUCTS);
    for maps in [["Prodct=item"], ["Product=nothing"], ["Product.nme=name"], ["Product.name=nothing"]] {
        assert_eq!(shop.refused(&mapped(&maps)).kind.exit_code(), 2, "{maps:?}");
    }
    for fill in ["Product.nothing=1", "Nothing.name=1"] {
        assert_eq!(shop.refused(&filled(&[fill])).kind.exit_code(), 2, "{fill}");
    }
    let table = Options { tables: vec![parse_table("nothing").unwrap()], ..options() };
    assert_eq!(shop.refused(&table).kind.exit_code(), 2);
}

#[test]
fn required_columns_are_filled_or_asked_for() {
    let shop = Shop::new(PRODUCTS);
    shop.psql(
        r#"TRUNCATE "Product"; CREATE TYPE kind AS ENUM ('thing', 'service'); CREATE TABLE owner (id int PRIMARY KEY); INSERT INTO owner VALUES (7);
           ALTER TABLE "Product" ADD COLUMN kind kind NOT NULL, ADD COLUMN tags text[] NOT NULL, ADD COLUMN active boolean NOT NULL,
           ADD COLUMN sku text NOT NULL UNIQUE, ADD COLUMN owner_id int NOT NULL REFERENCES owner"#,
    );
    let error = shop.refused(&options());
    assert_eq!(error.kind.exit_code(), 6);
    assert!(
        error.hints.iter().any(|h| h.contains("--fill 'Product.sku="))
            && error.hints.iter().any(|h| h.contains("Product.owner_id=")),
        "{error:?}"
    );
    let report = shop.reinsert(&filled(&["Product.sku='SKU-' || id", "Product.owner_id=(SELECT max(id) FROM owner)"]));
    assert_eq!(of(&report, "public.Product").inserted, 10);
    assert_eq!(
        shop.psql(r#"SELECT sku, kind, tags, active, owner_id FROM "Product" WHERE id = 3"#),
        "SKU-3|thing|{}|f|7"
    );
}

const FAMILY: &str = r#"
    CREATE TABLE person (id int PRIMARY KEY, name text, parent int REFERENCES person, favourite int);
    CREATE TABLE pet (id int PRIMARY KEY, owner int NOT NULL REFERENCES person ON DELETE CASCADE, name text);
    ALTER TABLE person ADD CONSTRAINT favourite_pet FOREIGN KEY (favourite) REFERENCES pet NOT VALID;
    COMMENT ON CONSTRAINT favourite_pet ON person IS 'it''s a cycle';
    INSERT INTO person SELECT n, 'p' || n, nullif(n - 1, 0) FROM generate_series(1, 50) n;
    INSERT INTO pet SELECT n, n, 'pet' FROM generate_series(1, 50) n;
    UPDATE person SET favourite = 51 - id;
    CREATE TABLE log (at timestamptz DEFAULT now(), what text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log (what) VALUES (TG_NAME); RETURN NEW; END';
    CREATE TRIGGER on_one AFTER INSERT ON person FOR EACH ROW EXECUTE FUNCTION note();
    CREATE TRIGGER on_off AFTER INSERT ON person FOR EACH ROW EXECUTE FUNCTION note();
    CREATE TRIGGER on_always AFTER INSERT ON person FOR EACH ROW EXECUTE FUNCTION note();
    CREATE TRIGGER on_replica AFTER INSERT ON person FOR EACH ROW EXECUTE FUNCTION note();
    ALTER TABLE person DISABLE TRIGGER on_off, ENABLE ALWAYS TRIGGER on_always, ENABLE REPLICA TRIGGER on_replica;
    CREATE RULE copied AS ON INSERT TO pet DO ALSO INSERT INTO log (what) VALUES ('rule');
"#;

#[test]
fn cycles_come_back_and_triggers_stay_quiet_and_as_they_were() {
    let shop = Shop::new(FAMILY);
    let before = shop.cluster.dump(DB);
    shop.psql("TRUNCATE person, pet");
    let report = shop.reinsert(&options());
    assert_eq!(counts(of(&report, "public.person")), [50, 50, 0, 0, 0]);
    assert_eq!(before, shop.cluster.dump(DB));
    // a part of the rows, through staging
    shop.psql("ALTER TABLE person DISABLE TRIGGER ALL; UPDATE person SET favourite = NULL; DELETE FROM pet WHERE id % 2 = 0;
               ALTER TABLE person ENABLE TRIGGER USER; ALTER TABLE person ENABLE TRIGGER ALL;
               ALTER TABLE person DISABLE TRIGGER on_off, ENABLE ALWAYS TRIGGER on_always, ENABLE REPLICA TRIGGER on_replica");
    let report = shop.reinsert(&Options { on_conflict: OnConflict::Fill, ..options() });
    assert_eq!(counts(of(&report, "public.pet")), [50, 25, 25, 0, 0]);
    assert_eq!(counts(of(&report, "public.person")), [50, 0, 0, 50, 0]);
    assert_eq!(before, shop.cluster.dump(DB));
}

#[test]
fn rejected_rows_take_those_with_them_that_refer_to_them() {
    let shop = Shop::new(FAMILY);
    shop.psql("TRUNCATE person, pet; ALTER TABLE person ADD CHECK (name <> 'p20')");
    let report = shop.does_not_fit(&options());
    // everybody's parents lead to p20 or their favourites do
    assert_eq!(of(&report, "public.person").rejected, 50);
    assert_eq!(of(&report, "public.pet").rejected, 50);
    assert!(report.misfit().hints.iter().any(|h| h.contains("violates check constraint")), "{:?}", report.misfit());

    shop.psql("ALTER TABLE person DROP CONSTRAINT favourite_pet");
    let report = shop.does_not_fit(&options());
    assert_eq!((of(&report, "public.person").rejected, of(&report, "public.pet").rejected), (31, 31));
    let report = shop.reinsert(&Options { rejects: Rejects::Save, ..options() });
    assert_eq!(counts(of(&report, "public.person")), [50, 19, 0, 0, 31]);
    let folder = std::path::PathBuf::from(report.rejects_dir.as_ref().unwrap());
    let csv = std::fs::read_to_string(folder.join("public.person.csv")).unwrap();
    assert_eq!(csv.lines().count(), 32, "{csv}");
    assert!(csv.starts_with("id,name,parent,favourite,safemigrate_reason\n20,p20,19,31,"), "{csv}");
}

#[test]
fn a_row_refused_late_takes_inserted_ones_with_it() {
    let shop = Shop::new(
        "CREATE TABLE room (id int PRIMARY KEY, during int4range, next int); CREATE TABLE guest (id int PRIMARY KEY, room int REFERENCES room);
         INSERT INTO room SELECT n, int4range(n * 10, n * 10 + 15), NULL FROM generate_series(1, 6) n; INSERT INTO guest SELECT n, n FROM generate_series(1, 6) n;
         UPDATE room SET next = id % 6 + 1 WHERE id <> 3;",
    );
    shop.psql("TRUNCATE room, guest; ALTER TABLE room ADD EXCLUDE USING gist (during WITH &&), ADD FOREIGN KEY (next) REFERENCES guest");
    let report = shop.reinsert(&Options { rejects: Rejects::Save, ..options() });
    let (room, guest) = (counts(of(&report, "public.room")), counts(of(&report, "public.guest")));
    assert_eq!((room[1], guest[1]), (room[0] - room[4], guest[0] - guest[4]));
    assert_eq!(shop.psql("SELECT string_agg(id::text, ',' ORDER BY id) FROM room"), "3");
    assert_eq!(shop.psql("SELECT string_agg(id::text, ',' ORDER BY id) FROM guest"), "3");
}

#[test]
fn conflicts_are_skipped_filled_updated_or_replaced() {
    let schema = "CREATE TABLE account (id int PRIMARY KEY, email text UNIQUE, name text, level int DEFAULT 1, n bigint GENERATED ALWAYS AS (id * 2) STORED);
                  CREATE TABLE entry (id int PRIMARY KEY, account int REFERENCES account ON DELETE CASCADE);
                  INSERT INTO account SELECT n, 'e' || n, 'name ' || n, n FROM generate_series(1, 5) n; INSERT INTO entry VALUES (1, 1), (2, 5);";
    let damage = "UPDATE account SET name = NULL, level = 1 WHERE id < 3; UPDATE account SET name = 'mine' WHERE id = 4; DELETE FROM account WHERE id = 3";
    let names = "SELECT string_agg(coalesce(name, '-') || level, ',' ORDER BY id) FROM account";
    for (on_conflict, expected, wanted) in [
        (OnConflict::Skip, [5, 1, 4, 0, 0], "-1,-1,name 33,mine4,name 55"),
        (OnConflict::Fill, [5, 1, 2, 2, 0], "name 11,name 22,name 33,mine4,name 55"),
        (OnConflict::Update, [5, 1, 1, 3, 0], "name 11,name 22,name 33,name 44,name 55"),
        (OnConflict::Replace, [5, 5, 0, 0, 0], "name 11,name 22,name 33,name 44,name 55"),
    ] {
        let shop = Shop::new(schema);
        shop.psql(damage);
        let report = shop.reinsert(&Options { on_conflict, ..options() });
        assert_eq!(counts(of(&report, "public.account")), expected, "{on_conflict:?}");
        assert_eq!(shop.psql(names), wanted, "{on_conflict:?}");
        assert_eq!(shop.psql("SELECT count(*) FROM entry"), "2");
    }
}

#[test]
fn replace_never_orphans_rows_of_other_tables() {
    let shop = Shop::new("CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1)");
    shop.psql("CREATE TABLE b (a int REFERENCES a ON DELETE CASCADE); INSERT INTO a VALUES (2); INSERT INTO b VALUES (1), (2)");
    let replace = Options { on_conflict: OnConflict::Replace, ..options() };
    assert_eq!(shop.refused(&replace).kind.exit_code(), 6);
    shop.psql("DELETE FROM b WHERE a = 2");
    assert_eq!(of(&shop.reinsert(&replace), "public.a").inserted, 1);
    assert_eq!(shop.psql("SELECT count(*) FROM a JOIN b ON b.a = a.id"), "1");
}

#[test]
fn another_unique_value_that_is_taken_is_a_misfit() {
    let shop =
        Shop::new("CREATE TABLE u (id int PRIMARY KEY, email text UNIQUE); INSERT INTO u VALUES (1, 'a'), (2, 'b')");
    shop.psql("TRUNCATE u; INSERT INTO u VALUES (9, 'a')");
    let report = shop.does_not_fit(&options());
    assert_eq!(counts(of(&report, "public.u")), [2, 1, 0, 0, 1]);
    assert!(of(&report, "public.u").reasons[0].reason.contains("Key (email)=(a)"), "{report:?}");
}

#[test]
fn rows_without_a_key_come_back_in_their_number() {
    let shop = Shop::new(
        "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'x'), (1, 'x'), (1, 'x'), (2, NULL), (2, NULL)",
    );
    shop.psql("DELETE FROM t; INSERT INTO t VALUES (1, 'x'), (3, 'y'); ALTER TABLE t ADD c int");
    let report = shop.reinsert(&options());
    assert_eq!(counts(of(&report, "public.t")), [5, 4, 1, 0, 0]);
    assert_eq!(shop.psql("SELECT a, count(*) FROM t GROUP BY a ORDER BY a"), "1|3\n2|2\n3|1");
    assert_eq!(counts(of(&shop.reinsert(&options()), "public.t")), [5, 0, 5, 0, 0]);
}

#[test]
fn values_arrive_as_alter_column_type_would_make_them() {
    let shop = Shop::new(
        r#"CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
           CREATE TABLE v (id int PRIMARY KEY, n numeric, b boolean, t text, s text, m mood, ms mood[], j json, ts timestamp(6), tz timestamptz, u text, f float8, c char(5), one int, many int[], by text, e text, txt text);
           INSERT INTO v VALUES (1, 2.5, true, '42', 'abc', 'sad', '{sad,NULL,ok}', '{"a": 1}', '2024-01-02 03:04:05.678901', '2024-06-01 12:00+02', '6f9619ff-8b86-d011-b42d-00c04fc964ff', 2.5, 'ab', 7, '{1,2}', 'é\x', 'ok', 'T'),
                                (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"#,
    );
    shop.psql(
        r#"TRUNCATE v; CREATE TYPE feeling AS ENUM ('ok', 'blue');
           ALTER TABLE v ALTER n TYPE int, ALTER b TYPE int USING 0, ALTER t TYPE int USING 0, ALTER s TYPE varchar(3), ALTER m TYPE feeling USING NULL, ALTER ms TYPE feeling[] USING NULL,
             ALTER j TYPE jsonb, ALTER ts TYPE timestamptz(3), ALTER tz TYPE timestamp, ALTER u TYPE uuid USING NULL, ALTER f TYPE numeric(3,0), ALTER c TYPE text,
             ALTER one TYPE int[] USING NULL, ALTER many TYPE jsonb USING NULL, ALTER by TYPE bytea USING NULL, ALTER e TYPE feeling USING NULL, ALTER txt TYPE boolean USING NULL"#,
    );
    let values = ["v.m:sad=blue", "v.ms:sad=blue"].map(|m| parse_map_value(m).unwrap()).to_vec();
    let report = shop.reinsert(&Options { value_maps: values, ..options() });
    assert_eq!(of(&report, "public.v").inserted, 2);
    assert_eq!(
        shop.psql("SET timezone = 'UTC'; SELECT * FROM v WHERE id = 1"),
        r#"1|3|1|42|abc|blue|{blue,NULL,ok}|{"a": 1}|2024-01-02 03:04:05.679+00|2024-06-01 10:00:00|6f9619ff-8b86-d011-b42d-00c04fc964ff|3|ab|{7}|[1, 2]|\xc3a95c78|ok|t"#
    );
    assert_eq!(shop.psql("SELECT count(*) FROM v WHERE id = 2 AND one IS NULL AND b IS NULL"), "1");
    let changed: Vec<&str> = of(&report, "public.v").columns_changed.iter().map(|c| c.column.as_str()).collect();
    assert_eq!(changed, ["n", "ts", "f"]);
}

#[test]
fn texts_are_never_cut_and_bad_values_are_named() {
    let shop = Shop::new(
        "CREATE TABLE t (id int PRIMARY KEY, a text, b text); INSERT INTO t SELECT n, repeat('x', n), n::text FROM generate_series(1, 1000) n; UPDATE t SET b = 'seven' WHERE id = 7; UPDATE t SET a = 'xx ' WHERE id = 2",
    );
    shop.psql("TRUNCATE t; ALTER TABLE t ALTER a TYPE varchar(2), ALTER b TYPE int USING 0");
    let report = shop.does_not_fit(&options());
    assert_eq!(counts(of(&report, "public.t")), [1000, 1, 0, 0, 999]);
    shop.psql("ALTER TABLE t ALTER a TYPE text");
    let report = shop.does_not_fit(&options());
    assert_eq!(counts(of(&report, "public.t")), [1000, 999, 0, 0, 1]);
    assert!(
        report.misfit().hints.iter().any(|h| h.contains(r#"invalid input syntax for type integer: "seven""#)),
        "{report:?}"
    );
    let cast = Options {
        casts: vec![parse_cast("t.b=CASE WHEN b ~ '^[0-9]+$' THEN b::int ELSE -id END").unwrap()],
        ..options()
    };
    assert_eq!(of(&shop.reinsert(&cast), "public.t").inserted, 1000);
    assert_eq!(shop.psql("SELECT b FROM t WHERE id = 7"), "-7");
}

#[test]
fn nulls_in_a_column_that_became_required_need_a_fill() {
    let shop = Shop::new(
        "CREATE TABLE t (id int PRIMARY KEY, a text, b text); INSERT INTO t VALUES (1, NULL, 'x'), (2, 'a', 'y')",
    );
    shop.psql("TRUNCATE t; ALTER TABLE t ALTER a SET NOT NULL");
    assert_eq!(of(&shop.does_not_fit(&options()), "public.t").rejected, 1);
    shop.reinsert(&filled(&["t.a=b || id"]));
    assert_eq!(shop.psql("SELECT a FROM t ORDER BY id"), "x1\na");
}

#[test]
fn sequences_go_forward_only_and_not_at_all_when_rows_do_not_fit() {
    let shop = Shop::new(
        "CREATE TABLE a (id serial PRIMARY KEY, b int DEFAULT 0); INSERT INTO a SELECT FROM generate_series(1, 20);
         CREATE SEQUENCE down INCREMENT -1; CREATE SEQUENCE alone; SELECT setval('down', -30), setval('alone', 40);
         CREATE TABLE d (id int PRIMARY KEY DEFAULT nextval('down')); INSERT INTO d VALUES (-50); CREATE TABLE empty (id serial);",
    );
    shop.psql("TRUNCATE a, d RESTART IDENTITY; SELECT setval('down', -1, false), setval('alone', 100); ALTER TABLE a ADD CHECK (id <> 3); ALTER TABLE a ADD n serial");
    shop.does_not_fit(&options());
    assert_eq!(shop.psql("SELECT last_value, is_called FROM a_n_seq"), "1|f");
    shop.psql("ALTER TABLE a DROP CONSTRAINT a_id_check");
    shop.reinsert(&options());
    let next = "SELECT nextval('a_id_seq'), nextval('down'), nextval('alone'), nextval('a_n_seq')";
    let next = shop.psql(next);
    let numbers: Vec<i64> = next.split('|').map(|n| n.parse().unwrap()).collect();
    assert_eq!(&numbers[..3], [21, -51, 101]);
    assert!(numbers[3] > 20 && shop.psql("SELECT nextval('empty_id_seq')") == "1", "{next}");
}

#[test]
fn partitions_get_their_rows_through_the_root() {
    let shop = Shop::new(
        "CREATE TABLE e (id int, at date, x text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
         CREATE TABLE e1 PARTITION OF e FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
         CREATE TABLE e2 (x text, at date NOT NULL, id int NOT NULL); ALTER TABLE e ATTACH PARTITION e2 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
         CREATE TABLE p (id int PRIMARY KEY, at date); INSERT INTO p SELECT n, '2024-01-01'::date + n FROM generate_series(0, 9) n;
         INSERT INTO e SELECT n, '2024-12-26'::date + n, 'x' FROM generate_series(0, 9) n",
    );
    shop.psql(
        "DROP TABLE e, p; CREATE TABLE e (at date, id int, x text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at); CREATE TABLE e_all PARTITION OF e DEFAULT;
         CREATE TABLE p (id int, at date, PRIMARY KEY (id, at)) PARTITION BY HASH (id); CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1); INSERT INTO e VALUES ('2025-01-04', 9, 'mine')",
    );
    let report = shop.reinsert(&options());
    assert_eq!(counts(of(&report, "public.e")), [10, 9, 1, 0, 0]);
    assert_eq!(counts(of(&report, "public.p")), [10, 10, 0, 0, 0]);
    assert_eq!(shop.psql("SELECT count(*), count(*) FILTER (WHERE x = 'mine') FROM e"), "10|1");
}

#[test]
fn maps_act_all_at_once_and_values_too() {
    let shop = Shop::new(
        "CREATE TABLE t (id int PRIMARY KEY, a text, b text); CREATE TABLE u (id int PRIMARY KEY, a text, b text); INSERT INTO t VALUES (1, 'x', 'y'); INSERT INTO u VALUES (2, 'x', 'y')",
    );
    shop.psql("TRUNCATE t, u");
    let swap = Options {
        value_maps: ["t.a:x=y", "t.a:y=x"].map(|m| parse_map_value(m).unwrap()).to_vec(),
        ..mapped(&["t=u", "u=t", "t.a=b", "t.b=a"])
    };
    shop.reinsert(&swap);
    assert_eq!(shop.psql("SELECT * FROM u"), "1|y|y");
    assert_eq!(shop.psql("SELECT * FROM t"), "2|x|y");
}

#[test]
fn an_owner_without_other_rights_is_enough() {
    let mut shop = Shop::new(
        "CREATE ROLE app LOGIN PASSWORD 'sesame'; CREATE SCHEMA app AUTHORIZATION app; ALTER ROLE app SET DateStyle = 'German'; ALTER ROLE app SET search_path = 'nothing';
         ALTER ROLE app SET default_transaction_read_only = on; ALTER ROLE app SET statement_timeout = '1s'; ALTER ROLE app SET IntervalStyle = 'iso_8601';
         CREATE FUNCTION public.good(text) RETURNS boolean LANGUAGE sql AS 'SELECT $1 <> ''bad'''; CREATE FUNCTION public.six() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN length(''sixsix'') + (SELECT 0 FROM six); END';
         CREATE TABLE public.six AS SELECT 6 AS six; GRANT SELECT ON six TO app;
         CREATE TABLE app.t (id int PRIMARY KEY, d date, i interval, x text CHECK (public.good(x)), up int REFERENCES app.t); ALTER TABLE app.t OWNER TO app;
         ALTER TABLE app.t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY mine ON app.t USING (id < 3);
         INSERT INTO app.t VALUES (1, '2024-03-04', '1 mon 2 days', 'x', 1), (5, 'infinity', '-1 day', 'y', 1)",
    );
    shop.psql("TRUNCATE app.t; ALTER TABLE app.t ADD n int DEFAULT public.six()");
    let before = shop.psql("SELECT relforcerowsecurity, relrowsecurity FROM pg_class WHERE relname = 't'");
    shop.role = "app";
    assert_eq!(of(&shop.reinsert(&options()), "app.t").inserted, 2);
    assert_eq!(
        shop.psql("SELECT * FROM app.t ORDER BY id"),
        "1|2024-03-04|1 mon 2 days|x|1|6\n5|infinity|-1 days|y|1|6"
    );
    assert_eq!(before, shop.psql("SELECT relforcerowsecurity, relrowsecurity FROM pg_class WHERE relname = 't'"));
    shop.psql("DELETE FROM app.t; ALTER TABLE app.t OWNER TO postgres; GRANT ALL ON app.t TO app");
    let error = shop.refused(&options());
    assert!(error.to_string().contains("Row-level security"), "{error}");
}

#[test]
fn a_user_who_may_not_make_temporary_tables_is_told_so() {
    let mut shop = Shop::new(
        "CREATE ROLE app LOGIN PASSWORD 'sesame'; REVOKE TEMPORARY ON DATABASE shop FROM PUBLIC; CREATE TABLE t (id int PRIMARY KEY);
         ALTER TABLE t OWNER TO app; INSERT INTO t SELECT generate_series(1, 9)",
    );
    shop.psql("DELETE FROM t WHERE id > 5");
    shop.role = "app";
    let error = shop.refused(&options());
    assert!(error.message.contains("may not make temporary tables"), "{error}");
    assert!(error.hints.iter().any(|h| h.contains("GRANT TEMPORARY ON DATABASE")), "{:?}", error.hints);
    // what needs none of them comes back
    shop.psql("TRUNCATE t");
    assert_eq!(of(&shop.reinsert(&options()), "public.t").inserted, 9);
}

#[test]
fn nothing_of_prisma_and_nothing_of_gone_tables_comes_back() {
    let shop = Shop::new(
        "CREATE TABLE _prisma_migrations (id text PRIMARY KEY); INSERT INTO _prisma_migrations VALUES ('m'); CREATE TABLE gone (id int); INSERT INTO gone VALUES (1), (2); CREATE TABLE t (id int); INSERT INTO t VALUES (1)",
    );
    shop.psql("TRUNCATE _prisma_migrations, t; DROP TABLE gone");
    let report = shop.reinsert(&options());
    assert_eq!(report.tables.len(), 1);
    assert_eq!(
        (report.tables_skipped[0].table.to_string().as_str(), report.tables_skipped[0].rows),
        ("public.gone", 2)
    );
    assert_eq!(shop.psql("SELECT count(*) FROM _prisma_migrations"), "0");
}

#[test]
fn a_fill_is_asked_anew_for_each_row() {
    let shop = Shop::new(PRODUCTS);
    shop.psql(r#"TRUNCATE "Product"; CREATE TABLE dice (n int); INSERT INTO dice SELECT generate_series(1, 100); ALTER TABLE "Product" ADD a uuid, ADD b int, ADD c text, ADD d int"#);
    let fills = [
        "Product.a=gen_random_uuid()",
        "Product.b=(SELECT n FROM dice ORDER BY random() LIMIT 1)",
        "Product.c=name || ' = ' || b",
        "Product.d=(SELECT max(n) FROM dice WHERE n < price)",
    ];
    shop.reinsert(&filled(&fills));
    let told = shop.psql(r#"SELECT count(DISTINCT a), count(DISTINCT b) > 1, count(*) FILTER (WHERE c = name || ' = ' || b), min(d), max(d) FROM "Product""#);
    assert_eq!(told, "10|t|10|1|14");
}

#[test]
fn a_model_is_split_and_two_are_merged() {
    let shop = Shop::new(
        r#"CREATE TABLE "User" (id serial PRIMARY KEY, name text, bio text); INSERT INTO "User" (name, bio) VALUES ('a', 'A'), ('b', 'B');
           CREATE TABLE cat (id int PRIMARY KEY, purr int); CREATE TABLE dog (id int PRIMARY KEY, bark int); INSERT INTO cat VALUES (1, 5); INSERT INTO dog VALUES (2, 6), (1, 7)"#,
    );
    shop.psql(
        r#"TRUNCATE "User"; ALTER TABLE "User" DROP bio; CREATE TABLE "Profile" (id serial PRIMARY KEY, bio text, user_id int UNIQUE NOT NULL REFERENCES "User");
           CREATE TABLE animal (id int PRIMARY KEY, purr int, bark int); DROP TABLE cat, dog"#,
    );
    let report = shop.reinsert(&Options {
        rejects: Rejects::Save,
        ..mapped(&["User=User", "User=Profile", "User.id=user_id", "cat=animal", "dog=animal"])
    });
    assert_eq!(
        shop.psql(r#"SELECT u.id, name, bio FROM "User" u JOIN "Profile" p ON p.user_id = u.id ORDER BY 1"#),
        "1|a|A\n2|b|B"
    );
    // two animals of one number are not the same animal
    let animals: Vec<[u64; 5]> = report.tables.iter().filter(|t| t.table.name == "animal").map(counts).collect();
    assert_eq!(animals, [[1, 1, 0, 0, 0], [2, 1, 0, 0, 1]]);
    assert_eq!(shop.psql("SELECT * FROM animal ORDER BY id"), "1|5|\n2||6");
}

#[test]
fn odd_names_and_odd_tables_come_back() {
    let name = "ünïcode \"quoted\" 'name' with.dots = and more, 63 bytes!!";
    let quoted = format!("\"{}\"", name.replace('"', "\"\""));
    let shop = Shop::new(&format!(
        "CREATE TABLE {quoted} ({quoted} int PRIMARY KEY, \"select\" text, n int); INSERT INTO {quoted} VALUES (1, E'tab\\t nl\\n back\\\\ \\\\N \\\\.', 3), (2, '\\N', NULL), (3, '\\.', 1), (4, '', 1);
         CREATE TABLE nothing (); INSERT INTO nothing SELECT FROM generate_series(1, 3);
         CREATE TABLE i (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED, x text, n int); INSERT INTO i (x) VALUES ('a'), ('b');
         CREATE TABLE safemigrate_n (safemigrate_n int PRIMARY KEY, n int, r text, s text, m text); INSERT INTO safemigrate_n VALUES (1, 2, 'r', 's', 'm');"
    ));
    let before = shop.cluster.dump(DB);
    let damage = format!("TRUNCATE {quoted}, i, safemigrate_n; DELETE FROM nothing WHERE ctid = '(0,1)'");
    shop.psql(&damage);
    shop.reinsert(&options());
    assert_eq!(before, shop.cluster.dump(DB));
    // through text and casts
    shop.psql(&format!("{damage}; ALTER TABLE {quoted} ALTER n TYPE text; ALTER TABLE i ALTER n TYPE text, ALTER x SET NOT NULL; ALTER TABLE safemigrate_n ALTER n TYPE text"));
    let maps = [format!("{quoted}.\"select\"=n"), format!("{quoted}.n=\"select\"")];
    let report = shop.reinsert(&mapped(&[maps[0].as_str(), maps[1].as_str()]));
    assert!(report.tables.iter().all(|t| t.rejected == 0), "{report:#?}");
    assert_eq!(
        shop.psql(&format!("SELECT \"select\", n FROM {quoted} WHERE {quoted} > 1 ORDER BY {quoted}")),
        "|\\N\n1|\\.\n1|"
    );
    assert_eq!(shop.psql("SELECT id, twice, x FROM i"), "1|2|a\n2|4|b");
    assert_eq!(shop.psql("SELECT count(*) FROM nothing"), "3");
    // what became generated is skipped and named
    shop.psql("TRUNCATE i; ALTER TABLE i DROP n; ALTER TABLE i ADD n text GENERATED ALWAYS AS (upper(x)) STORED");
    let report = shop.reinsert(&options());
    assert_eq!(of(&report, "public.i").columns_skipped, ["n"]);
    assert_eq!(shop.psql("SELECT n FROM i"), "A\nB");
}

#[test]
fn values_of_many_types_survive_a_staged_load() {
    let shop = Shop::new(
        "CREATE TABLE v (id int PRIMARY KEY, a numeric, b float8, c float4, d date, e timestamp, f timestamptz, g interval, h time, i timetz, j bytea, k inet, l cidr, m macaddr, n bit(5), o varbit, p money,
           q point, r box, s int4range, t tstzmultirange, u tsvector, v tsquery, x json, y jsonb, z uuid, aa text[][], bb \"char\", cc name, dd char(4), ee jsonpath, ff pg_lsn, gg int[], hh circle);
         INSERT INTO v VALUES (1, 'NaN', 'NaN', '-Infinity', 'infinity', '4713-01-01 00:00:00 BC', 'infinity', '-1 year 2 days -3:04:05.678', '24:00', '12:00+05:30', '\\x00ff', '::1/64', '10.0.0.0/8', '08:00:2b:01:02:03', B'10101', B'1', '-12.34',
           '(1.1,2)', '(1,2),(3,4)', '[1,5)', '{[2024-01-01,2024-02-01)}', 'a:1 b:2A', 'a & !b', '{\"a\":  1, \"a\": 2}', '{\"b\": [1, null]}', gen_random_uuid(), '{{a,NULL},{\"x,y\",\"\\\\\"}}', 'x', 'name', 'ab', '$.a[*]', '16/B374D848', '[0:1]={1,2}', '<(0,0),1>'),
           (2, 1e-30, 5e-324, 1e-45, '4713-01-01 BC', '294276-12-31 23:59:59.999999', '0001-01-01 BC', NULL, NULL, NULL, '', NULL, NULL, NULL, NULL, B'', NULL, NULL, NULL, 'empty', '{}', '', '', 'null', 'null', NULL, '{}', '', '', '', NULL, NULL, '{}', NULL);",
    );
    let before = shop.psql("SELECT v::text FROM v ORDER BY id");
    shop.psql("DELETE FROM v WHERE id = 1; ALTER TABLE v ALTER id TYPE bigint; ALTER TABLE v ADD extra int NOT NULL DEFAULT 0; ALTER TABLE v ALTER extra DROP DEFAULT");
    let report = shop.reinsert(&options());
    assert_eq!(counts(of(&report, "public.v")), [2, 1, 1, 0, 0]);
    shop.psql("ALTER TABLE v DROP extra");
    assert_eq!(before, shop.psql("SELECT v::text FROM v ORDER BY id"));
    // without a key, each value compared as text
    shop.psql("ALTER TABLE v DROP CONSTRAINT v_pkey; DELETE FROM v WHERE id = 2");
    assert_eq!(counts(of(&shop.reinsert(&options()), "public.v")), [2, 1, 1, 0, 0]);
    assert_eq!(before, shop.psql("SELECT v::text FROM v ORDER BY id"));
}

#[test]
fn a_damaged_backup_is_known_before_the_database_is_touched() {
    let shop = Shop::new(PRODUCTS);
    shop.psql(r#"TRUNCATE "Product""#);
    let object = &shop.backup.as_ref().unwrap().tables[0].segments[0].object;
    let path = shop.store().root().join("objects").join(&object[..2]).join(object);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    let _ = std::fs::remove_file(&path);
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(shop.refused(&options()).kind.exit_code(), 13);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(shop.refused(&options()).kind.exit_code(), 13);
}

/// Many rows, so that something can happen meanwhile.
fn long_shop() -> Shop {
    let shop = Shop::new(
        "CREATE TABLE t (id serial PRIMARY KEY, x text UNIQUE); INSERT INTO t (x) SELECT 'value ' || n FROM generate_series(1, 300000) n",
    );
    shop.psql("DELETE FROM t WHERE id > 10; SELECT setval('t_id_seq', 1)");
    shop
}

#[test]
fn an_interrupt_leaves_the_database_as_it_was() {
    let shop = long_shop();
    let before = shop.cluster.dump(DB);
    for milliseconds in [50, 250, 600] {
        let (hand, interrupt) = Interrupt::new();
        let (url, store, backup) = (shop.url(), shop.store(), shop.backup.as_ref().unwrap());
        let ended = shop.runtime.block_on(async {
            let plan = prepare(&url, &store, backup, &options()).await?;
            tokio::spawn(async move {
                tokio::time::sleep(std::time::Duration::from_millis(milliseconds)).await;
                hand.interrupt();
            });
            apply(&url, &store, backup, &plan, &Quiet, &interrupt, &mut |_| Ok(())).await
        });
        assert_eq!(ended.unwrap_err().kind.exit_code(), 130);
        // nobody of ours is left at work, and nothing is locked
        assert_eq!(
            shop.psql(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'safemigrate' AND datname = 'shop'"
            ),
            "0"
        );
        shop.psql("SET lock_timeout = '1s'; BEGIN; LOCK TABLE t; ROLLBACK");
    }
    assert_eq!(before, shop.cluster.dump(DB));
}

#[test]
fn a_killed_session_leaves_the_database_as_it_was() {
    let shop = long_shop();
    let before = shop.cluster.dump(DB);
    let killer = std::thread::scope(|scope| {
        let running = scope.spawn(|| shop.run(&options(), false));
        let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'safemigrate' AND query LIKE '%INSERT INTO \"public\".\"t\"%' AND pid <> pg_backend_pid()";
        while !running.is_finished() && shop.psql(kill) == "0" {}
        running.join().unwrap()
    });
    let error = killer.unwrap_err();
    assert!(
        error.message.contains("connection to the server was lost") && error.message.contains("Nothing was changed"),
        "{error}"
    );
    assert_eq!(before, shop.cluster.dump(DB));
    assert_eq!(of(&shop.reinsert(&options()), "public.t").inserted, 299_990);
}

#[test]
fn a_table_that_is_held_by_another_session_is_named() {
    let shop = Shop::new(PRODUCTS);
    let mut holder = shop.cluster.session(DB);
    holder.run(r#"BEGIN; UPDATE "Product" SET price = 0"#);
    let error = shop.run(&options(), false).unwrap_err();
    let said = &error.message;
    assert!(said.contains("\"Product\" is locked by process ") && said.contains("of user postgres for 1"), "{said}");
    assert!(said.contains("UPDATE \"Product\" SET price = 0. Nothing was changed"), "{said}");
    holder.run("ROLLBACK");
    shop.reinsert(&options());
}

#[test]
fn a_changed_schema_between_plan_and_apply_is_noticed() {
    let shop = Shop::new(PRODUCTS);
    let (url, store, backup) = (shop.url(), shop.store(), shop.backup.as_ref().unwrap());
    let (_hand, interrupt) = Interrupt::new();
    let plan = shop.runtime.block_on(prepare(&url, &store, backup, &options())).unwrap();
    shop.psql(r#"ALTER TABLE "Product" ADD x int NOT NULL DEFAULT 5"#);
    let error =
        shop.runtime.block_on(apply(&url, &store, backup, &plan, &Quiet, &interrupt, &mut |_| Ok(()))).unwrap_err();
    assert!(error.message.contains("schema has changed"), "{error}");
}

#[test]
fn materialized_views_show_the_rows_again() {
    let shop = Shop::new(PRODUCTS);
    shop.psql(r#"CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n FROM "Product"; TRUNCATE "Product"; REFRESH MATERIALIZED VIEW m"#);
    shop.reinsert(&options());
    assert_eq!(shop.psql("SELECT n FROM m"), "10");
}

#[test]
fn what_looks_like_a_rename_is_suggested_and_the_suggestion_works() {
    let shop = Shop::new(PRODUCTS);
    shop.psql(r#"TRUNCATE "Product"; ALTER TABLE "Product" DROP name; ALTER TABLE "Product" ADD title text NOT NULL DEFAULT ''; ALTER TABLE "Product" RENAME TO "Article""#);
    let backup = shop.backup.as_ref().unwrap();
    let survey = shop.runtime.block_on(survey(&shop.url(), &shop.store(), None, backup, None)).unwrap();
    let suggested = |options: &Options| command_line(&survey.suggest(backup, options, &[]).unwrap());
    assert_eq!(suggested(&options()), " --map Product=Article --map Product.name=title");
    assert_eq!(suggested(&mapped(&["Product=Article"])), " --map Product.name=title");
    shop.reinsert(&mapped(&["Product=Article", "Product.name=title"]));
    assert_eq!(suggested(&mapped(&["Product=Article", "Product.name=title"])), "");
}

/// The schema of a real Prisma project: relations both ways, enums, lists, JSON, bytes, a trigger that writes.
#[test]
fn a_whole_shop_comes_back_exactly() {
    let cluster = Cluster::start();
    let project = support::Project::new(support::Prisma::V7, support::Shape::Shop, &cluster, DB);
    cluster.prepare(&project, DB);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut shop = Shop { cluster, runtime, folder: tempfile::tempdir().unwrap(), backup: None, role: "postgres" };
    shop.back_up();
    let before = shop.cluster.dump(DB);
    let tables =
        r#""customers", "addresses", "Category", "Product", "Tag", "orders", "order_items", "Review", "_ProductToTag""#;
    let parts = [
        format!("TRUNCATE {tables} RESTART IDENTITY"),
        r#"DELETE FROM "Product""#.into(),
        r#"DELETE FROM "customers" WHERE "id" % 3 = 0 AND "id" NOT IN (SELECT "customer_id" FROM "orders"); UPDATE "Category" SET "parent_id" = NULL"#.into(),
        r#"ALTER TABLE "order_items" DISABLE TRIGGER USER; DELETE FROM "order_items"; ALTER TABLE "order_items" ENABLE TRIGGER USER; DELETE FROM "Tag""#.into(),
    ];
    for loss in parts {
        if shop.cluster.try_psql(DB, &loss).is_err() {
            continue;
        }
        let report = shop.reinsert(&Options { on_conflict: OnConflict::Update, ..options() });
        assert!(report.tables.iter().all(|t| t.rejected == 0), "{report:#?}");
        assert_eq!(before, shop.cluster.dump(DB), "{loss}");
    }
}

#[test]
fn names_that_differ_by_case_alone_are_the_same() {
    let shop =
        Shop::new("CREATE TABLE customers (id int PRIMARY KEY, fullname text); INSERT INTO customers VALUES (1, 'a')");
    shop.psql(r#"DROP TABLE customers; CREATE TABLE "Customers" (id int PRIMARY KEY, "fullName" text NOT NULL)"#);
    let report = shop.reinsert(&options());
    assert_eq!(of(&report, "public.Customers").columns_mapped["fullname"], "fullName");
    assert_eq!(shop.psql(r#"SELECT * FROM "Customers""#), "1|a");
}

#[test]
fn new_columns_are_made_of_old_ones_and_values_are_mapped() {
    let shop = Shop::new(
        r#"CREATE TABLE p (id int PRIMARY KEY, first text, last text, state int, flag boolean, tags text[], code text, short text);
           INSERT INTO p VALUES (1, 'Ada', 'L', 0, true, '{a,b}', 'abcd', 'x'), (2, 'Bob', NULL, 1, false, '{}', 'ab', 'y')"#,
    );
    shop.psql(
        r#"TRUNCATE p; CREATE TYPE state AS ENUM ('new', 'done'); CREATE DOMAIN d3 AS varchar(3) CHECK (VALUE <> 'bad');
           ALTER TABLE p DROP first, DROP last, ADD full_name text NOT NULL, ALTER state TYPE state USING NULL, ALTER flag TYPE text, ALTER tags TYPE text, ADD size int DEFAULT 4, ADD twice int"#,
    );
    let cast = |text: &str| parse_cast(text).unwrap();
    let wish = Options {
        casts: vec![cast("p.full_name=concat_ws(' ', first, last)")],
        value_maps: ["p.state:0=new", "p.state:1=done", "p.flag:true=yes"]
            .map(|m| parse_map_value(m).unwrap())
            .to_vec(),
        ..filled(&["p.twice=size * 2"])
    };
    shop.reinsert(&wish);
    assert_eq!(
        shop.psql("SELECT id, state, flag, tags, full_name, size, twice FROM p ORDER BY id"),
        "1|new|yes|{a,b}|Ada L|4|8\n2|done|false|{}|Bob|4|8"
    );
    // a text is not cut by a domain either
    shop.psql("TRUNCATE p; ALTER TABLE p ALTER code TYPE d3");
    assert_eq!(counts(of(&shop.does_not_fit(&wish), "public.p")), [2, 1, 0, 0, 1]);
    // a value that the type does not have is a mistake of the command line
    let wrong = Options { value_maps: vec![parse_map_value("p.state:0=nothing").unwrap()], ..wish };
    let error = shop.refused(&wrong);
    assert!(error.kind.exit_code() == 2 && error.message.contains("nothing is no value of public.p.state"), "{error}");
}

#[test]
fn lists_and_ids_change_their_types() {
    let shop = Shop::new(
        "CREATE TABLE u (id int PRIMARY KEY, one text, many int[]); CREATE TABLE o (id int PRIMARY KEY, u int REFERENCES u);
         INSERT INTO u VALUES (1, 'a', '{5}'), (2, NULL, NULL); INSERT INTO o VALUES (1, 1), (2, NULL)",
    );
    shop.psql(
        "ALTER TABLE o DROP CONSTRAINT o_u_fkey; TRUNCATE u, o; ALTER TABLE u ALTER id TYPE text, ALTER one TYPE text[] USING NULL, ALTER many TYPE int USING NULL; ALTER TABLE o ALTER u TYPE text;
         ALTER TABLE o ADD FOREIGN KEY (u) REFERENCES u",
    );
    let report = shop.does_not_fit(&options());
    assert_eq!((counts(of(&report, "public.u")), counts(of(&report, "public.o"))), ([2, 1, 0, 0, 1], [2, 1, 0, 0, 1]));
    let report = shop.reinsert(&Options { casts: vec![parse_cast("u.many=many[1]").unwrap()], ..options() });
    assert_eq!(report.inserted(), 4);
    assert_eq!(shop.psql("SELECT * FROM u ORDER BY id"), "1|{a}|5\n2||");
}

#[test]
fn parents_that_are_left_out_or_gone_are_named() {
    let shop = Shop::new(FAMILY);
    shop.psql("TRUNCATE person, pet");
    let only = |name: &str| Options { tables: vec![parse_table(name).unwrap()], ..options() };
    // not validated, but every new row is checked by it
    let report = shop.does_not_fit(&only("person"));
    assert_eq!(of(&report, "public.person").rejected, 50);
    let hints = report.misfit().hints.join("\n");
    assert!(hints.contains("Key (favourite)=") && hints.contains("left out by --table"), "{hints}");
    shop.psql("ALTER TABLE person DISABLE TRIGGER ALL");
    // somebody has switched that check off
    assert_eq!(of(&shop.reinsert(&only("person")), "public.person").inserted, 50);
    assert_eq!(
        shop.psql("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'person'::regclass AND tgenabled <> 'D'"),
        "0"
    );
    assert_eq!(shop.psql("SELECT count(*) FROM pet"), "0");
}

#[test]
fn huge_values_come_back() {
    let shop = Shop::new(
        "CREATE TABLE big (id int PRIMARY KEY, x text, y bytea); INSERT INTO big SELECT 1, repeat('0123456789', 10000000), decode(repeat('ab', 20000000), 'hex')",
    );
    let print = "SELECT length(x), md5(x), length(y), md5(y) FROM big";
    let before = shop.psql(print);
    shop.psql("TRUNCATE big");
    shop.reinsert(&options());
    assert_eq!(before, shop.psql(print));
    shop.psql("TRUNCATE big; ALTER TABLE big ALTER id TYPE bigint, DROP CONSTRAINT big_pkey");
    shop.reinsert(&options());
    assert_eq!(before, shop.psql(print));
    assert_eq!(of(&shop.reinsert(&options()), "public.big").already_present, 1);
}

#[test]
fn extension_types_come_back() {
    let shop = Shop::new("CREATE TABLE plain (id int)");
    if shop
        .cluster
        .try_psql(DB, "CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext")
        .is_err()
    {
        println!("skipped: this PostgreSQL has no contrib modules");
        return;
    }
    let mut shop = shop;
    shop.psql(
        "CREATE TABLE c (name ext.citext PRIMARY KEY, tags ext.hstore); INSERT INTO c VALUES ('Ada', 'a=>1, b=>NULL'), ('bob', '');
         CREATE TABLE r (id int PRIMARY KEY, c ext.citext REFERENCES c, note text); INSERT INTO r VALUES (1, 'ADA', 'x'), (2, 'BOB', 'y')",
    );
    shop.back_up();
    let before = shop.cluster.dump(DB);
    shop.psql("TRUNCATE c, r; INSERT INTO c VALUES ('Ada', 'a=>1, b=>NULL')");
    let report = shop.reinsert(&options());
    assert_eq!(counts(of(&report, "public.c")), [2, 1, 1, 0, 0]);
    assert_eq!(before, shop.cluster.dump(DB));
    shop.psql(
        "TRUNCATE c, r; ALTER TABLE c ALTER tags TYPE jsonb USING NULL; ALTER TABLE r ALTER note TYPE ext.citext",
    );
    shop.reinsert(&options());
    assert_eq!(
        shop.psql("SELECT c.tags, r.note FROM r JOIN c ON c.name OPERATOR(ext.=) r.c ORDER BY id"),
        "{\"a\": \"1\", \"b\": null}|x\n{}|y"
    );
}
