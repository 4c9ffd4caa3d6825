//! Runs made by hand: everything that a report can tell of.

use safemigrate::domain::compare::{ByOthers, ColumnReport, ColumnVerdict, TableReport, TableVerdict, Verification};
use safemigrate::domain::rehearsal::{
    BadRow, BadRows, Failure, Lock, MadeBy, Rehearsal, Rewrite, ScratchCopy, Script, Seconds, Statement,
};
use safemigrate::domain::report::Material;
use safemigrate::domain::run::{Run, State};

pub fn material(run: &Run) -> Material<'_> {
    let types = || [(("public.Product".to_owned(), "price".to_owned()), "numeric(10,2)".to_owned())].into();
    Material {
        run,
        scripts: Vec::new(),
        types_before: types(),
        types_after: types(),
        took: Some(14.2),
        copy_age: Some(372.0),
    }
}

fn table(name: &str, before: u64, after: u64, verdict: TableVerdict, columns: Vec<ColumnReport>) -> TableReport {
    TableReport {
        table: name.into(),
        before,
        after,
        verdict,
        to: None,
        rows_lost: None,
        by_others: ByOthers::default(),
        expected: None,
        columns,
    }
}

fn column(name: &str, before: u64, after: u64, verdict: ColumnVerdict) -> ColumnReport {
    ColumnReport {
        column: name.into(),
        before,
        after,
        verdict,
        to: None,
        values_changed: None,
        values_lost: None,
        expected: None,
    }
}

/// Rows and values gone in each way, renamed, grown, new, changed by others, and as they were.
pub fn verification() -> Verification {
    use ColumnVerdict as C;
    use TableVerdict as T;
    let mut tables = vec![
        table(
            "public.Product",
            1200,
            1200,
            T::Kept,
            vec![
                column("id", 1200, 1200, C::Identical),
                column("name", 1200, 0, C::Dropped),
                column("title", 0, 0, C::Added),
                ColumnReport { values_changed: Some(37), ..column("price", 1200, 1200, C::Changed) },
                ColumnReport { to: Some("amount".into()), ..column("quantity", 1100, 1100, C::Renamed) },
                column("rank", 1200, 1200, C::Retyped),
            ],
        ),
        TableReport {
            rows_lost: Some(3),
            ..table("public.Order", 20_000, 19_997, T::LostRows, vec![column("id", 20_000, 19_997, C::LostValues)])
        },
        table("public.Session", 512, 0, T::Dropped, Vec::new()),
        TableReport {
            to: Some("public.people".into()),
            ..table("public.customers", 800, 800, T::Renamed, vec![column("id", 800, 800, C::Identical)])
        },
        table("public.event", 90_000, 90_450, T::Grown, vec![column("id", 90_000, 90_450, C::Identical)]),
        table("public.tag", 0, 12, T::Added, Vec::new()),
        TableReport {
            by_others: ByOthers { rows_deleted: 2, values_changed: 5 },
            ..table("public.cart", 40, 38, T::Kept, Vec::new())
        },
    ];
    let quiet = |n: u64| {
        table(
            &format!("public.archive_{n}"),
            1000 * n,
            1000 * n,
            T::Identical,
            vec![column("id", 1000 * n, 1000 * n, C::Identical)],
        )
    };
    tables.extend((1..6).map(quiet));
    Verification { ok: false, tables }
}

fn statement(sql: &str, line: usize, seconds: f64) -> Statement {
    Statement { sql: sql.into(), line, seconds: Some(seconds), locks: Vec::new(), rewrites: Vec::new(), failure: None }
}

fn lock(table: &str, mode: &str, seconds: f64) -> Lock {
    Lock { table: table.into(), mode: mode.into(), seconds }
}

/// Three scripts: one goes through, one fails on rows, one waits for it.
pub fn rehearsal() -> Rehearsal {
    let failure = Failure {
        message: "column \"sku\" of relation \"Product\" contains null values".into(),
        code: "23502".into(),
        rows: Some(BadRows {
            table: "public.Product".into(),
            count: 1200,
            of: 1200,
            what: "have no value in Product.sku".into(),
            examples: (1..6).map(|n| BadRow { key: format!("id = {n}"), value: None, rows: 1 }).collect(),
        }),
        recipe: Some("ALTER TABLE \"Product\" ADD COLUMN \"sku\" TEXT;\nUPDATE \"Product\" SET \"sku\" = …;\nALTER TABLE \"Product\" ALTER COLUMN \"sku\" SET NOT NULL;".into()),
    };
    let duplicates = Failure {
        message: "could not create unique index \"customers_email_key\"".into(),
        code: "23505".into(),
        rows: Some(BadRows {
            table: "public.customers".into(),
            count: 4,
            of: 800,
            what: "share their value in customers.email with others".into(),
            examples: vec![
                BadRow { key: "id = 7, id = 19".into(), value: Some("jo@example.com".into()), rows: 2 },
                BadRow { key: "id = 23, id = 40".into(), value: Some("".into()), rows: 2 },
            ],
        }),
        recipe: None,
    };
    let scripts = vec![
        Script {
            migration: Some("20261120101500_prices".into()),
            sql: "-- AlterTable\nALTER TABLE \"Product\" ALTER COLUMN \"price\" TYPE numeric(12,2);\n\nCREATE INDEX \"Order_customer_idx\" ON \"Order\"(\"customer\");\n".into(),
            statements: vec![
                Statement {
                    locks: vec![lock("public.Product", "ACCESS EXCLUSIVE", 4.61)],
                    rewrites: vec![Rewrite { table: "public.Product".into(), bytes: 48_300_000 }],
                    ..statement("ALTER TABLE \"Product\" ALTER COLUMN \"price\" TYPE numeric(12,2);", 2, 3.2)
                },
                Statement {
                    locks: vec![lock("public.Order", "SHARE", 1.41)],
                    ..statement("CREATE INDEX \"Order_customer_idx\" ON \"Order\"(\"customer\");", 4, 1.41)
                },
                Statement { locks: vec![lock("public.Order", "SHARE UPDATE EXCLUSIVE", 0.2)], ..statement("ANALYZE \"Order\";", 5, 0.0004) },
            ],
        },
        Script {
            migration: None,
            sql: "ALTER TABLE \"Product\" ADD COLUMN \"sku\" TEXT NOT NULL;\nCREATE UNIQUE INDEX \"customers_email_key\" ON \"customers\"(\"email\");\nCREATE INDEX ON \"Product\"(\"sku\");\n".into(),
            statements: vec![
                Statement {
                    locks: vec![lock("public.Product", "ACCESS EXCLUSIVE", 0.02)],
                    failure: Some(failure),
                    ..statement("ALTER TABLE \"Product\" ADD COLUMN \"sku\" TEXT NOT NULL;", 1, 0.02)
                },
                Statement { failure: Some(duplicates), ..statement("CREATE UNIQUE INDEX \"customers_email_key\" ON \"customers\"(\"email\");", 2, 0.11) },
                Statement { seconds: None, ..statement("CREATE INDEX ON \"Product\"(\"sku\");", 3, 0.0) },
            ],
        },
    ];
    Rehearsal {
        copy: ScratchCopy {
            made_by: MadeBy::Template,
            backup: "f-kbtp5mnt".into(),
            taken_at: "2026-11-23T07:09:12.000Z".into(),
            rows: 112_554,
            bytes: 564_000_000,
            sample_of: None,
        },
        scripts,
        verification: Verification { ok: true, tables: Vec::new() },
        seconds: Seconds { copy: 6.1, migration: 4.74, verification: 3.3 },
    }
}

pub fn run(command: &str) -> Run {
    let mut run = Run::begin("r-7k2m9qpx".into(), command, "shop", "2026-11-23T07:15:24.000Z".into());
    run.state = State::Finished;
    run.finished_at = Some("2026-11-23T07:15:38.200Z".into());
    run.before = vec!["f-kbtp5mnt".into(), "d-kbtp5mnt".into()];
    run
}

/// A migration that ran and lost data.
pub fn lost() -> Run {
    let mut run = run("dev");
    run.after = vec!["f-ykspx942".into()];
    run.prisma_exit_code = Some(0);
    run.migrations_applied = vec!["20261123071524_titles".into()];
    run.verification = Some(verification());
    run.outcome = Some("Data was lost".into());
    run
}

/// One that would fail.
pub fn fails() -> Run {
    let mut run = run("rehearse");
    run.before = Vec::new();
    run.rehearsal = Some(rehearsal());
    run
}

/// One that would go through on a sample and lose data.
pub fn loses() -> Run {
    let mut run = fails();
    let mut rehearsal = rehearsal();
    rehearsal.scripts.truncate(1);
    rehearsal.verification = verification();
    rehearsal.copy.sample_of = Some(1_125_540);
    run.rehearsal = Some(rehearsal);
    run
}
