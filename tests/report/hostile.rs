//! Names, values, SQL and messages that try to be markup: in neither language do they mean anything, and every sign is seen.

use super::example::{fails, loses, lost, material};
use super::story::look;
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use safemigrate::domain::figures::breaks;
use safemigrate::domain::report::{
    AppliedScript, Block, Document, LONGEST_MARKDOWN, Line, Span, Table, compose, html, markdown,
};
use safemigrate::domain::run::{Run, State};

/// What markup is made of, and what ends or hides it.
const PIECES: &[&str] = &[
    "<script>globalThis.struck = 1</script>",
    "\"><img src=x onerror=\"globalThis.struck = 1\">",
    "' onload='globalThis.struck = 1",
    "</title></style></svg></details></summary></code></pre>",
    "<!--",
    "-->",
    "]]>",
    "&lt;",
    "&#60;b&#62;",
    "<a href=\"javascript:struck=1\">x</a>",
    "|",
    "\\|",
    "\\",
    "`",
    "``",
    "\n```\n",
    "~~~",
    "*",
    "**",
    "_",
    "\n# head\n",
    "\n- item",
    "\n| a | b |\n|---|---|\n",
    "[x](javascript:struck=1)",
    "![x](https://evil.example/x.png)",
    "https://evil.example",
    "www.evil.example",
    "@somebody",
    "#1",
    "$x$",
    "$`x`$",
    "\r\n",
    "\r",
    "\t",
    " ",
    "  ",
    "\u{0}",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{202e}",
    "\u{2066}",
    "\u{200f}",
    "\u{200b}",
    "\u{2028}",
    "\u{feff}",
    "é",
    "漢字",
    "שלום",
    "public.User",
    "x",
    "0",
];

/// Every text in these runs that somebody else could have written, written anew.
fn written_anew(run: &Run, mut text: impl FnMut() -> String) -> Run {
    let mut value = serde_json::to_value(run).unwrap();
    let ours = ["id", "command", "started_at", "finished_at", "state", "before", "after", "verdict", "made_by"];
    fn walk(value: &mut serde_json::Value, ours: &[&str], text: &mut dyn FnMut() -> String) {
        match value {
            serde_json::Value::String(one) => *one = text(),
            serde_json::Value::Array(all) => all.iter_mut().for_each(|one| walk(one, ours, text)),
            serde_json::Value::Object(fields) => {
                let fields = fields.iter_mut().filter(|(name, _)| !ours.contains(&name.as_str()));
                fields.for_each(|(_, one)| walk(one, ours, text));
            }
            _ => {}
        }
    }
    walk(&mut value, &ours, &mut text);
    serde_json::from_value(value).unwrap()
}

/// All that a report can tell, told in these texts.
fn documents(texts: &[String]) -> Vec<Document> {
    let mut next = texts.iter().cycle().cloned();
    let mut failed = fails();
    (failed.state, failed.command) = (State::Failed, "dev".into());
    failed.outcome = Some("x".into());
    let mut unproven = failed.clone();
    (unproven.rehearsal, unproven.prisma_exit_code) = (None, Some(1));
    let runs = [lost(), fails(), loses(), failed, unproven];
    let runs = runs.map(|run| written_anew(&run, || next.next().unwrap()));
    runs.iter()
        .map(|run| {
            let mut material = material(run);
            let script = |name: &String| AppliedScript { name: name.clone(), sql: texts.concat() };
            material.scripts = run.migrations_applied.iter().map(script).collect();
            compose(&material)
        })
        .collect()
}

fn shown(text: &str) -> String {
    let unseen = |c: char| breaks(c) || "\u{200b}\u{2060}\u{feff}\u{ad}".contains(c);
    text.chars().map(|c| if unseen(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

fn on_a_line(text: &str) -> String {
    shown(&text.replace('\n', "\\n").replace('\t', "\\t"))
}

fn said(line: &Line) -> String {
    let span = |span: &Span| match span {
        Span::Words(text) | Span::Strong(text) | Span::Foreign(text) => on_a_line(text),
    };
    line.0.iter().map(span).collect()
}

/// All blocks, those inside of others too.
fn flat(blocks: &[Block]) -> Vec<&Block> {
    fn inside(block: &Block) -> Vec<&Block> {
        if let Block::Fold { blocks, .. } = block { flat(blocks) } else { Vec::new() }
    }
    blocks.iter().flat_map(|block| std::iter::once(block).chain(inside(block))).collect()
}

fn tables(document: &Document) -> Vec<&Table> {
    flat(&document.blocks).into_iter().filter_map(|b| if let Block::Table(t) = b { Some(t) } else { None }).collect()
}

fn codes(document: &Document) -> Vec<String> {
    let code = |block: &Block| if let Block::Code(code) = block { Some(code.text.clone()) } else { None };
    let text = |code: String| shown(&code.replace("\r\n", "\n")).trim_end_matches('\n').to_owned();
    flat(&document.blocks).into_iter().filter_map(code).map(text).collect()
}

/// What a reader of Markdown makes of it: each table with its cells, each piece of code, how many headings.
#[derive(Debug, Default, PartialEq)]
struct Read {
    headings: usize,
    tables: Vec<Vec<Vec<String>>>,
    codes: Vec<String>,
}

fn expected(document: &Document) -> Read {
    let headings = flat(&document.blocks).into_iter().filter(|b| matches!(b, Block::Heading(_))).count();
    let row = |cells: &[Line]| cells.iter().map(|cell| said(cell).trim().to_owned()).collect::<Vec<_>>();
    let table = |table: &&Table| {
        let head = match table.head.is_empty() {
            true => vec![String::new(); table.rows[0].cells.len()],
            false => table.head.iter().map(|head| head.title.to_owned()).collect(),
        };
        std::iter::once(head).chain(table.rows.iter().map(|one| row(&one.cells))).collect()
    };
    Read { headings: headings + 1, tables: tables(document).iter().map(table).collect(), codes: codes(document) }
}

fn read(text: &str) -> Read {
    let mut read = Read::default();
    let mut cell: Option<String> = None;
    let mut code: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::Heading { .. }) => read.headings += 1,
            Event::Start(Tag::Table(_)) => read.tables.push(Vec::new()),
            Event::Start(Tag::TableHead | Tag::TableRow) => read.tables.last_mut().unwrap().push(Vec::new()),
            Event::Start(Tag::TableCell) => cell = Some(String::new()),
            Event::End(TagEnd::TableCell) => {
                let text = cell.take().unwrap().trim().to_owned();
                read.tables.last_mut().unwrap().last_mut().unwrap().push(text);
            }
            Event::Start(Tag::CodeBlock(_)) => code = Some(String::new()),
            Event::End(TagEnd::CodeBlock) => {
                read.codes.push(code.take().unwrap().trim_end_matches('\n').to_owned());
            }
            Event::Start(tag @ (Tag::Link { .. } | Tag::Image { .. } | Tag::Strikethrough | Tag::Emphasis)) => {
                panic!("{tag:?} in\n{text}")
            }
            Event::Text(text) if code.is_some() => *code.as_mut().unwrap() += &text,
            Event::Text(text) => {
                assert!(!calls(&text), "{text}");
                cell.iter_mut().for_each(|cell| *cell += &text);
            }
            Event::Code(text) => cell.iter_mut().for_each(|cell| *cell += &text),
            Event::Html(tags) | Event::InlineHtml(tags) => only_ours(&tags, &["code", "details", "summary", "strong"]),
            _ => {}
        }
    }
    read
}

/// Where no code is, GitHub would tell somebody, or link somewhere.
fn calls(text: &str) -> bool {
    let after = |sign: char| text.split(sign).skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
    after('#') || after('@') || text.contains("http://") || text.contains("https://") || text.contains("www.")
}

/// Tags of these names, without attributes, and comments without a word.
#[track_caller]
fn only_ours(tags: &str, names: &[&str]) {
    let tags = tags.replace("<!-- -->", "");
    for piece in tags.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').unwrap_or_else(|| panic!("{piece}"));
        assert!(names.contains(&tag.trim_start_matches('/')), "<{tag}> in\n{tags}");
    }
}

/// Each tag with its attributes, in double quotes; anything else between `<` and `>` is not of ours.
#[track_caller]
fn only_our_elements(page: &str) {
    const TAGS: &[&str] = &[
        "!doctype",
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "h1",
        "h2",
        "p",
        "strong",
        "code",
        "pre",
        "div",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "ul",
        "li",
        "details",
        "summary",
        "figure",
        "figcaption",
        "span",
        "svg",
        "desc",
        "defs",
        "pattern",
        "rect",
        "line",
        "text",
    ];
    const ATTRIBUTES: &[&str] = &[
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "role",
        "aria-label",
        "aria-hidden",
        "aria-labelledby",
        "tabindex",
        "scope",
        "id",
        "viewBox",
        "width",
        "height",
        "x",
        "y",
        "x1",
        "x2",
        "y1",
        "y2",
        "fill",
        "text-anchor",
        "patternUnits",
        "patternTransform",
        "html",
    ];
    let (before, rest) = page.split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    for piece in format!("{before}{after}").split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap_or_else(|| panic!("<{piece}"));
        assert!(!text.contains(['>', '"']), "{text}");
        let mut words = tag.trim_start_matches('/').trim_end_matches('/').splitn(2, ' ');
        let name = words.next().unwrap();
        assert!(TAGS.contains(&name), "<{tag}>");
        let mut attributes = words.next().unwrap_or_default();
        while let Some((name, rest)) = attributes.split_once("=\"") {
            assert!(ATTRIBUTES.contains(&name.trim()), "{name} in <{tag}>");
            attributes = rest.split_once('"').unwrap_or_else(|| panic!("<{tag}>")).1;
        }
        assert!(["", "html"].contains(&attributes.trim()), "{attributes} in <{tag}>");
    }
}

/// Everything that must hold of a report, whatever is in it.
#[track_caller]
fn means_nothing(document: &Document) {
    let (text, page) = (markdown(document), html(document));
    for written in [&text, &page] {
        assert!(!written.contains(breaks), "something hides");
    }
    assert!(text.chars().count() <= LONGEST_MARKDOWN, "{}", text.chars().count());
    only_our_elements(&page);
    let (read, expected) = (read(&text), expected(document));
    if text.contains("… left out here") {
        return;
    }
    assert_eq!(read, expected, "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn markup_means_nothing(
        texts in prop::collection::vec(prop::collection::vec(prop::sample::select(PIECES), 0..5).prop_map(|p| p.concat()), 1..40),
    ) {
        documents(&texts).iter().for_each(|document| means_nothing(document));
    }

    #[test]
    fn nor_does_anything_else(texts in prop::collection::vec(any::<String>(), 1..40)) {
        documents(&texts).iter().for_each(|document| means_nothing(document));
    }
}

/// `REPORTS=n` for more of them.
fn cases() -> u32 {
    std::env::var("REPORTS").ok().and_then(|n| n.parse().ok()).unwrap_or(48)
}

#[test]
fn nothing_runs_in_a_browser() {
    let folder = tempfile::tempdir().unwrap();
    let texts: Vec<String> = PIECES.iter().map(|piece| (*piece).to_owned()).chain([PIECES.concat()]).collect();
    let files: Vec<_> = (documents(&texts).iter().enumerate().take(2))
        .map(|(n, document)| {
            means_nothing(document);
            let path = folder.path().join(format!("hostile-{n}.html"));
            std::fs::write(&path, html(document)).unwrap();
            path
        })
        .collect();
    look(&files.iter().map(|path| path.as_path()).collect::<Vec<_>>(), None);
}

/// Thousands of tables, and scripts of megabytes: what GitHub takes as a comment, with everything that matters in it.
#[test]
fn a_report_of_any_size_fits_a_comment() {
    let mut run = lost();
    let verification = run.verification.as_mut().unwrap();
    let many: Vec<_> = (0..5000)
        .flat_map(|n| {
            let name = |table: &str| format!("{table}_{n}_{}", "ä|`".repeat(20));
            verification
                .tables
                .iter()
                .cloned()
                .map(move |mut table| {
                    table.table = name(&table.table);
                    table
                })
                .collect::<Vec<_>>()
        })
        .collect();
    verification.tables = many;
    run.migrations_applied = (0..300).map(|n| format!("2026_{n}")).collect();
    let mut material = material(&run);
    material.scripts = run
        .migrations_applied
        .iter()
        .map(|name| AppliedScript { name: name.clone(), sql: "SELECT 1;\n".repeat(100_000) })
        .collect();
    let document = compose(&material);
    let text = markdown(&document);
    means_nothing(&document);
    for told in ["Data was lost", "safemigrate rollback f-kbtp5mnt", "… and 19,940 places more", "… left out here"]
    {
        assert!(text.contains(told), "{told}");
    }
    assert!(html(&document).len() < 3_000_000, "{}", html(&document).len());
}
