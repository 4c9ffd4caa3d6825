//! Data is lost: it is named, and each way out leads where it says.

use super::scenes::{
    ALL, columns, dev_agreed, named, product, products, re_inserted, rename_field, rename_pending, rolled_back,
    write_migration,
};
use super::support::{Cluster, Prisma, Project, on_both};

on_both! { a_renamed_field_is_named_and_both_commands_work_as_typed }

const TITLES: &str = r#"SELECT count(*), min(title), max(title) FROM "Product""#;
const QUESTION: &str = "1-3 [1]: ";

fn a_renamed_field_is_named_and_both_commands_work_as_typed(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = product(prisma, &cluster);
    let before = cluster.dump("shop");
    rename_field(&project);
    let mut terminal = dev_agreed(&project, &["--name", "rename"]);
    terminal.expect("public.Product.name");
    terminal.expect("the column is gone      50    0");
    terminal.expect("The state before is safe in the checkpoint f-");
    terminal.expect(QUESTION);
    terminal.send_line("1");
    assert_eq!(terminal.wait(), 3, "{}", terminal.transcript());
    let said = terminal.transcript();
    assert_eq!(said.matches("the column is gone").count(), 1, "said once is enough:\n{said}");
    assert!(said.contains(&format!("error: Data was lost by {}", project.migrations()[1])), "{said}");
    assert_eq!(columns(&cluster), "id price title");

    let reinsert = named(&said, "safemigrate reinsert");
    assert!(reinsert.ends_with(" --map Product.name=title --on-conflict fill"), "{reinsert}");
    re_inserted(&project, &reinsert);
    assert_eq!(cluster.psql("shop", TITLES), "50|Product 1|Product 9");
    rolled_back(&project, &named(&said, "safemigrate rollback"));
    assert_eq!(cluster.dump("shop"), before);
}

/// Rename the field, agree with Prisma, and answer our question.
fn answered(project: &Project, answer: &str) -> (i32, String) {
    rename_field(project);
    let mut terminal = dev_agreed(project, &["--name", "rename"]);
    terminal.expect(QUESTION);
    terminal.send(answer);
    let code = terminal.wait();
    (code, terminal.transcript())
}

#[test]
fn rolled_back_at_the_question() {
    let cluster = Cluster::start();
    let project = product(Prisma::V7, &cluster);
    let before = cluster.dump("shop");
    let (code, said) = answered(&project, "2\r");
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("and is back: structure and data are as before the migration"), "{said}");
    assert_eq!(cluster.dump("shop"), before);
    // what it says about the folder can be typed, and does not undo the rollback
    let aside = named(&said, "safemigrate rollback f-");
    let named_again = project.safemigrate(&[&aside.split(' ').skip(1).collect::<Vec<_>>()[..], &["--yes"]].concat());
    named_again.ok().says("Set aside into");
    assert_eq!((cluster.dump("shop"), project.migrations().len()), (before, 1), "{aside}");
}

#[test]
fn re_inserted_at_the_question() {
    let cluster = Cluster::start();
    let project = product(Prisma::V7, &cluster);
    let (code, said) = answered(&project, "3\r");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("Everything in the backup is in the database: every row, every value"), "{said}");
    assert!(!said.contains("Put these rows into"), "asked twice:\n{said}");
    assert_eq!(cluster.psql("shop", TITLES), "50|Product 1|Product 9");
}

#[test]
fn ctrl_c_at_the_question_keeps_it_and_says_the_ways_back() {
    let cluster = Cluster::start();
    let project = product(Prisma::V6, &cluster);
    let (code, said) = answered(&project, "\u{3}");
    assert_eq!(code, 3, "{said}");
    assert_eq!(columns(&cluster), "id price title");
    named(&said, "safemigrate reinsert d-");
    rolled_back(&project, &named(&said, "safemigrate rollback f-"));
    assert_eq!(products(&cluster), ALL);
}

#[test]
fn without_a_terminal_it_is_kept_and_3() {
    for more in [&[][..], &["--on-loss", "ask"]] {
        let cluster = Cluster::start();
        let project = product(Prisma::V7, &cluster);
        rename_pending(&project);
        let said = project.safemigrate(&[&["dev"], more].concat()).code(3).says("public.Product.name");
        named(&said.stderr, "safemigrate rollback f-");
        re_inserted(&project, &named(&said.stderr, "safemigrate reinsert d-"));
        assert_eq!(cluster.psql("shop", TITLES), "50|Product 1|Product 9");
    }
}

#[test]
fn on_loss_rollback_is_one_object_and_3() {
    let cluster = Cluster::start();
    let project = product(Prisma::V6, &cluster);
    let before = cluster.dump("shop");
    rename_pending(&project);
    let (code, report) = project.json(&["dev", "--on-loss", "rollback"]);
    assert_eq!((code, &report["command"], &report["ok"]), (3, &"dev".into(), &false.into()), "{report}");
    assert_eq!(report["error"]["kind"], "data-lost");
    assert_eq!((&report["settled"]["by"], &report["settled"]["backup"]), (&"rollback".into(), &report["before"][0]));
    assert_eq!(report["settled"]["pending_migrations"][0], "20270101000000_rename");
    assert_eq!(cluster.dump("shop"), before);
}

#[test]
fn on_loss_reinsert_ends_well_only_when_all_is_there() {
    let cluster = Cluster::start();
    let project = product(Prisma::V7, &cluster);
    rename_pending(&project);
    let (code, report) = project.json(&["dev", "--on-loss", "reinsert"]);
    assert_eq!((code, &report["command"], &report["ok"]), (0, &"dev".into(), &true.into()), "{report}");
    assert_eq!(report["settled"]["by"], "reinsert");
    assert_eq!(report["settled"]["tables"][0]["updated"], 50);
    assert_eq!(
        (&report["verification"]["ok"], &report["settled"]["verification"]["ok"]),
        (&false.into(), &true.into())
    );
    assert_eq!(cluster.psql("shop", TITLES), "50|Product 1|Product 9");

    // a field that has no successor stays lost, and that is not "done"
    project.edit_schema("  price Decimal\n", "");
    write_migration(&project, "20270201000000_drop", r#"ALTER TABLE "Product" DROP COLUMN "price";"#);
    let said = project.safemigrate(&["dev", "--on-loss", "reinsert"]).code(3);
    let said = said.says("not back is:").says("public.Product.price").says("but not everything");
    rolled_back(&project, &named(&said.stderr, "safemigrate rollback f-"));
    assert_eq!(cluster.psql("shop", r#"SELECT round(sum(price), 2) FROM "Product""#), "1593.75");
}
