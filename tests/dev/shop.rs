//! The whole shop: relations, enums, arrays, a view, a trigger. What is lost comes back to the last byte.

use super::scenes::{SURE, named, rolled_back};
use super::support::{Cluster, Prisma, Project, Shape, on_both};

on_both! { ; thorough_with_6: a_harmless_change_and_a_costly_one }

fn a_harmless_change_and_a_costly_one(prisma: Prisma) {
    let cluster = Cluster::start();
    let project = Project::new(prisma, Shape::Shop, &cluster, "shop");
    cluster.prepare(&project, "shop");
    let rows: u64 = 1122;
    let mut terminal = project.terminal(&["dev"]);
    terminal.expect("Nothing to apply. Your data is all there: 1,122 rows in 9 tables, value by value, proven");
    assert_eq!(terminal.wait(), 0, "{}", terminal.transcript());

    project.edit_schema("@default(0) @db.SmallInt\n", "@default(0) @db.SmallInt\n  color    String?\n");
    let (code, report) = project.json(&["dev", "--name", "color"]);
    assert_eq!((code, &report["verification"]["ok"]), (0, &true.into()), "{report}");
    let counted: u64 =
        report["verification"]["tables"].as_array().unwrap().iter().map(|t| t["before"].as_u64().unwrap()).sum();
    assert_eq!(counted, rows);

    let before = cluster.dump("shop");
    project.edit_schema("  nickname  String?\n", "");
    project.edit_schema("  cost        Decimal?\n", "");
    let mut terminal = project.terminal(&["dev", "--name", "drop"]);
    terminal.expect(SURE);
    terminal.send("y");
    terminal.expect("public.Product.cost");
    terminal.expect("public.customers.nickname");
    terminal.expect("1-3 [1]: ");
    terminal.send_line("");
    assert_eq!(terminal.wait(), 3, "{}", terminal.transcript());
    assert_ne!(cluster.dump("shop"), before);
    rolled_back(&project, &named(&terminal.transcript(), "safemigrate rollback f-"));
    assert_eq!(cluster.dump("shop"), before);
}
