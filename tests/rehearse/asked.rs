//! `dev --rehearse` and `deploy --rehearse`: tried first, and stopped before Prisma where it would fail or lose data.

use crate::scenes::{SURE, files};
use crate::support::{Cluster, Prisma, Project, Shape};

const DROPS: &str = "ALTER TABLE \"Product\" DROP COLUMN \"name\";";
const FAILS: &str = "ALTER TABLE \"Product\" ADD COLUMN \"sku\" TEXT NOT NULL;";
const QUESTION: &str = "What shall be done?";

fn shop(prisma: Prisma, cluster: &Cluster) -> Project {
    let project = Project::new(prisma, Shape::Product, cluster, "shop");
    cluster.prepare(&project, "shop");
    cluster.psql("shop", "INSERT INTO \"Product\" (name, price) SELECT 'p' || n, n FROM generate_series(1, 50) n");
    project
}

fn pending(project: &Project, sql: &str) {
    project.write("prisma/migrations/20270101000000_next/migration.sql", sql);
}

fn applied(cluster: &Cluster) -> String {
    cluster.psql("shop", "SELECT count(*) FROM _prisma_migrations")
}

#[test]
fn without_a_terminal_it_stops_unless_loss_was_reckoned_with() {
    let cluster = Cluster::start();
    let project = shop(Prisma::V6, &cluster);
    let dump = cluster.dump("shop");
    for (sql, message) in [(FAILS, "would fail in line 1"), (DROPS, "It would lose data in public.Product")] {
        pending(&project, sql);
        let in_folder = files(&project);
        let more = if sql == DROPS { "--yes" } else { "--on-loss=ask" };
        let (code, said) = project.json(&["deploy", "--rehearse", more]);
        assert_eq!(
            (code, &said["ok"], &said["command"], &said["error"]["kind"]),
            (1, &false.into(), &"deploy".into(), &"findings".into()),
            "{said:#}"
        );
        let text = said["error"]["message"].as_str().unwrap();
        assert!(text.contains(message) && text.contains("Nothing was changed"), "{text}");
        assert!(said["rehearsal"]["scripts"][0]["statements"].is_array(), "{said:#}");
        assert!(said["prisma_exit_code"].is_null());
        assert!(cluster.dump("shop") == dump && files(&project) == in_folder);
    }
    // a failure is no loss: saying what to do about one does not help
    pending(&project, FAILS);
    assert_eq!(project.json(&["deploy", "--rehearse", "--on-loss", "keep"]).0, 1);
    assert!(cluster.dump("shop") == dump);

    project.write("safemigrate.toml", "[verify]\nrehearse = true\n");
    project.safemigrate(&["deploy"]).code(1).says("would fail in line 1").says("Instead:");
    pending(&project, DROPS);
    project.safemigrate(&["deploy"]).code(1).says("--on-loss keep");
    assert!(cluster.dump("shop") == dump);
    let (code, said) = project.json(&["deploy", "--on-loss", "keep"]);
    assert_eq!((code, &said["prisma_exit_code"], applied(&cluster).as_str()), (3, &0.into(), "2"), "{said:#}");
    assert_eq!(said["rehearsal"]["verification"]["ok"], false);
    let (code, said) = project.json(&["deploy"]);
    assert_eq!((code, said["rehearsal"]["scripts"].as_array().map(Vec::len)), (0, Some(0)), "{said:#}");
}

#[test]
fn at_a_terminal_a_person_decides() {
    let cluster = Cluster::start();
    let project = shop(Prisma::V7, &cluster);
    let dump = cluster.dump("shop");
    project.edit_schema("  price Decimal\n", "");
    let in_folder = files(&project);
    let mut terminal = project.terminal(&["dev", "--rehearse", "--name", "drop"]);
    terminal.expect("Draft (what Prisma would draft from the schema)");
    terminal.expect(QUESTION);
    terminal.send("\r");
    assert_eq!(terminal.wait(), 1, "{}", terminal.transcript());
    assert!(terminal.transcript().contains("Nothing was changed"), "{}", terminal.transcript());
    assert!(cluster.dump("shop") == dump && files(&project) == in_folder);
    let mut terminal = project.terminal(&["dev", "--rehearse", "--name", "drop"]);
    terminal.expect(QUESTION);
    terminal.send("2\r");
    terminal.expect(SURE);
    terminal.send("y");
    terminal.expect("1-3 [1]: ");
    terminal.send("1\r");
    assert_eq!((terminal.wait(), applied(&cluster).as_str()), (3, "2"), "{}", terminal.transcript());
}

#[test]
fn what_is_harmless_goes_on_without_a_question() {
    let cluster = Cluster::start();
    let project = shop(Prisma::V7, &cluster);
    project.edit_schema("  price Decimal\n", "  price Decimal\n  stock Int @default(0)\n");
    let (code, said) = project.json(&["dev", "--rehearse", "--name", "stock"]);
    assert_eq!(
        (code, &said["verification"]["ok"], &said["rehearsal"]["verification"]["ok"]),
        (0, &true.into(), &true.into()),
        "{said:#}"
    );
    assert!(said["rehearsal"]["scripts"][0]["migration"].is_null());
    project.safemigrate(&["rehearse"]).ok().says("Nothing is pending");
}
