//! A database that has everything: the text is word by word what `pg_dump` writes of it.

use super::place::Place;
use super::support::dump::normalised;
use super::support::{Cluster, Output, same};
use std::path::Path;

const MADE: &[&str] = &[
    include_str!("../rollback/everything.sql"),
    include_str!("../rollback/contrib.sql"),
    include_str!("../rollback/newer.sql"),
    include_str!("../rollback/superuser.sql"),
    include_str!("../rollback/built.sql"),
];
const EXTENSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rollback/extension");

fn everything() -> Place {
    let place = Place::new(Cluster::with_extensions(Path::new(EXTENSIONS)));
    let tablespaces =
        "SET allow_in_place_tablespaces = on; CREATE TABLESPACE fast LOCATION ''; CREATE TABLESPACE wide LOCATION ''";
    place.cluster.psql("postgres", tablespaces);
    MADE.iter().for_each(|sql| drop(place.cluster.psql("shop", sql)));
    place
}

/// Where an order is ours: rows of extensions come last, views are filled again so that none comes too early.
fn lines_in_any_order(script: &str) -> String {
    let mut lines: Vec<&str> =
        script.lines().map(|line| line.trim_start_matches("-- ")).filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// The script without rows of extensions and refreshes, and these, in any order.
fn aside(script: &str) -> (String, String) {
    let (mut rest, mut taken) = (String::new(), String::new());
    // what belongs together stands between empty comments
    for part in script.replace("; Owner: \n", "; Owner: postgres\n").split_inclusive("\n--\n-- ") {
        let is_data = part.starts_with("Data for Name: ") || part.starts_with("Name: probe_number; Type: SEQUENCE SET");
        let ours =
            part.contains("Type: MATERIALIZED VIEW DATA") || (is_data && part.contains("; Schema: extensions; "));
        if ours { &mut taken } else { &mut rest }.push_str(part);
    }
    (rest, lines_in_any_order(&taken))
}

/// What psql would stumble over, with the files of `pg_dump` as well: rows that the extension brings, functions that look
/// for others as in the application, a materialized view that reads another through one.
fn mended(script: &str) -> String {
    let made = "CREATE EXTENSION IF NOT EXISTS probe WITH SCHEMA extensions;\n";
    let rows =
        "DELETE FROM extensions.probe_detail; DELETE FROM extensions.probe_zone; DELETE FROM extensions.probe_whole;";
    let late = "REFRESH MATERIALIZED VIEW app.aa_reads;";
    assert!(script.contains(made) && script.contains(late));
    let script = script.replace(late, "") + late;
    let script = script.replace(made, &format!("{made}{rows}\n"));
    script.replace("SELECT pg_catalog.set_config('search_path', '', false);", "")
}

#[test]
fn the_sql_is_that_of_pg_dump_and_comes_back_by_psql() {
    let place = everything();
    let (full, _) = place.back_up();
    let bare = ["--no-owner", "--no-acl"];
    let wanted = place.cluster.dump_with("shop", &bare);
    for format in ["sql", "inserts"] {
        let script = std::fs::read_to_string(place.export(&full, format)).unwrap();
        if format == "sql" {
            let ((text, others), (found, other)) = (aside(&wanted), aside(&normalised(&script)));
            same(&text, &found, "the script");
            same(&others, &other, "refreshes and rows of extensions");
        } else {
            let inserts = place.cluster.dump_with("shop", &[bare[0], bare[1], "--column-inserts"]);
            same(&lines_in_any_order(&inserts), &lines_in_any_order(&normalised(&script)), "the script with inserts");
        }
        place.empty("copy");
        place.cluster.psql("copy", &mended(&script));
        // since version 17 large objects stand together by their owner, which is one now
        let is_grouped = place.cluster.programs.major >= 17;
        let content = |dump: &str| {
            let lines = dump.lines().filter(|line| !line.is_empty() && !line.starts_with("--"));
            if is_grouped {
                // with one transaction for all of them
                let lines: Vec<&str> = lines.filter(|line| !["BEGIN;", "COMMIT;"].contains(line)).collect();
                return lines_in_any_order(&lines.join("\n"));
            }
            lines.collect::<Vec<_>>().join("\n")
        };
        same(&content(&wanted), &content(&place.cluster.dump_with("copy", &bare)), format);
    }
}

#[test]
fn the_archive_is_that_of_pg_dump() {
    let place = everything();
    let (full, rows) = place.back_up();
    let own = place.path("own.dump");
    place.program("pg_dump", "shop", &["-Fc", "-f", own.to_str().unwrap()]).ok();
    let script = |archive: &Path, arguments: &[&str]| {
        let mut restore = place.cluster.programs.command("pg_restore");
        let text = Output::of(restore.args(["-f", "-"]).args(arguments).arg(archive)).ok().stdout;
        normalised(&text)
    };
    let ours = place.export(&full, "archive");
    let ((wanted, others), (found, other)) = (aside(&script(&own, &[])), aside(&script(&ours, &[])));
    same(&wanted, &found, "the archive, with owners and rights");
    same(&others, &other, "refreshes and rows of extensions");
    let list = |archive: &Path| {
        let lines = script(archive, &["-l"]);
        let entry = |line: &str| {
            line.split_once("; ").map(|(_, rest)| {
                rest.splitn(3, ' ').last().unwrap_or_default().trim_end_matches("postgres").trim_end().to_owned()
            })
        };
        let mut entries: Vec<String> = lines.lines().filter(|line| !line.starts_with(';')).filter_map(entry).collect();
        entries.sort_unstable();
        entries.join("\n")
    };
    same(&list(&own), &list(&ours), "the list of what is in it");
    let data = script(&place.export(&rows, "archive"), &["--data-only"]);
    let wanted = place.cluster.dump_with("shop", &["--data-only", "--no-blobs", "--no-owner"]);
    same(&lines_in_any_order(&wanted), &lines_in_any_order(&data.replace("; Owner: \n", "; Owner: -\n")), "rows alone");
}
