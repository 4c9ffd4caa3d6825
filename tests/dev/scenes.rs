//! What the stories have in common: a filled project, an answer to Prisma, a command typed as it was shown.

use super::support::{Cluster, Prisma, Project, Shape, Terminal};

/// The end of the question that Prisma asks before it drops something.
pub const SURE: &str = "Are you sure you want to create and apply this migration?";

/// What `products` says while nothing is lost.
pub const ALL: &str = "50|1593.75|Product 1|Product 9";

/// One table, migrated, with 50 rows.
pub fn product(prisma: Prisma, cluster: &Cluster) -> Project {
    let project = Project::new(prisma, Shape::Product, cluster, "shop");
    cluster.prepare(&project, "shop");
    let rows = "SELECT 'Product ' || n, n * 1.25 FROM generate_series(1, 50) n";
    cluster.psql("shop", &format!(r#"INSERT INTO "Product" (name, price) {rows}"#));
    project
}

pub fn products(cluster: &Cluster) -> String {
    cluster.psql("shop", r#"SELECT count(*), round(sum(price), 2), min(name), max(name) FROM "Product""#)
}

/// Names of the columns of `Product`, in their order.
pub fn columns(cluster: &Cluster) -> String {
    let from = "FROM information_schema.columns WHERE table_name = 'Product'";
    cluster.psql("shop", &format!("SELECT string_agg(column_name, ' ' ORDER BY ordinal_position) {from}"))
}

/// `name` becomes `title`: DROP and ADD to Prisma.
pub fn rename_field(project: &Project) {
    project.edit_schema("  name  String\n", "  title String?\n");
}

/// The same as a migration that waits to be applied, so that Prisma asks nothing.
pub fn rename_pending(project: &Project) {
    rename_field(project);
    write_migration(
        project,
        "20270101000000_rename",
        r#"ALTER TABLE "Product" DROP COLUMN "name"; ALTER TABLE "Product" ADD COLUMN "title" TEXT;"#,
    );
}

pub fn write_migration(project: &Project, name: &str, sql: &str) {
    project.write(format!("prisma/migrations/{name}/migration.sql"), sql);
}

/// `safemigrate dev` at a terminal, up to Prisma's question: nothing was renamed, it is to be dropped.
pub fn dev_asking(project: &Project, arguments: &[&str]) -> Terminal {
    let mut terminal = project.terminal(&[&["dev"], arguments].concat());
    while terminal.expect_any(&[SURE, "1-2 [1]: "]).0 > 0 {
        terminal.send_line("2");
    }
    terminal
}

/// The same, and yes to Prisma's question.
pub fn dev_agreed(project: &Project, arguments: &[&str]) -> Terminal {
    let mut terminal = dev_asking(project, arguments);
    terminal.send("y");
    terminal
}

/// The command that a message names, to be typed as it stands.
#[track_caller]
pub fn named(said: &str, command: &str) -> String {
    let line = said.lines().rev().find(|line| line.contains(command));
    let line = line.unwrap_or_else(|| panic!("nowhere says {command:?}:\n{said}"));
    line[line.find(command).unwrap()..].trim_end().to_owned()
}

/// A line typed into a shell that knows safemigrate.
pub fn typed(project: &Project, line: &str) -> Terminal {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_safemigrate"));
    let mut shell = project.command("sh");
    shell.args(["-c", line]).env("PATH", super::support::path(&[program.parent().unwrap().to_owned()]));
    Terminal::spawn(shell)
}

/// `rollback` as it was named, said yes to, the folders left where they are.
#[track_caller]
pub fn rolled_back(project: &Project, line: &str) -> String {
    let mut terminal = typed(project, line);
    terminal.expect("Go on? [y/N]");
    terminal.send_line("y");
    if terminal.expect_any(&["into the store? [y/N]", "Rolled back to"]).0 == 0 {
        terminal.send_line("");
    }
    assert_eq!(terminal.wait(), 0, "{}", terminal.transcript());
    terminal.transcript()
}

/// `reinsert` as it was named, said yes to.
#[track_caller]
pub fn re_inserted(project: &Project, line: &str) -> String {
    let mut terminal = typed(project, line);
    terminal.expect("Put these rows into shop?");
    terminal.send_line("y");
    assert_eq!(terminal.wait(), 0, "{}", terminal.transcript());
    terminal.transcript()
}
