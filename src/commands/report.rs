//! `report [RUN]`: how a run went, for a pull request or in the browser.

use super::target::place;
use crate::cli::{Globals, ReportArgs, ReportAs};
use crate::domain::report::{self as document, Block, Code, Document, Line, Row, Span, Tone};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::operations::report::{Found, ReportFormat, document as document_of, find};
use crate::ui::{Failure, Fields, Report, Style, Table, Ui};
use serde_json::{Value, json};

/// Lines of SQL that a terminal shows; the files have them all.
const LINES: usize = 20;

pub fn run(globals: &Globals, args: &ReportArgs, ui: &Ui) -> Result<(), Failure> {
    if args.open && matches!(args.format, Some(ReportAs::Md | ReportAs::Json)) {
        let message = "--open shows the HTML file: it does not go with another --format. Nothing was done";
        return Err(Error::new(ErrorKind::Usage, message).into());
    }
    let store = place(globals)?.store;
    let found = find(&store, args.run.as_deref())?;
    if let Some(newer) = &found.newer_without {
        let when = ui.style().ago(&newer.started_at);
        ui.warn(&format!(
            "The last run {} (safemigrate {}, {when}) has no report: this is an older one.",
            newer.id, newer.command
        ));
    }
    let shown = match args.format {
        Some(ReportAs::Json) => Shown::Object,
        Some(ReportAs::Html) => Shown::Path,
        None if args.open => Shown::Path,
        Some(ReportAs::Md) => Shown::Markdown(store.read_report(&found.run.id, ReportFormat::Markdown)?),
        None => Shown::Text {
            document: document_of(&store, &found.run, None),
            markdown: store.read_report(&found.run.id, ReportFormat::Markdown)?,
        },
    };
    let view = View { found, shown };
    match view.shown {
        Shown::Object => ui.object(&view),
        _ => ui.result(&view),
    }
    if args.open {
        browse(&view.found, ui);
    }
    Ok(())
}

/// The path is on the screen by now.
fn browse(found: &Found, ui: &Ui) {
    let opened = open::that_detached(&found.html).context(ErrorKind::Other, || "No browser could be started".into());
    if let Err(why) = opened {
        ui.warn("No browser could be started from here: open the file above yourself.");
        ui.detail(&why.to_string());
    }
}

struct View {
    found: Found,
    shown: Shown,
}

enum Shown {
    Object,
    Path,
    Markdown(String),
    /// As a person reads it at a terminal, as a program passes it on elsewhere.
    Text {
        document: Document,
        markdown: String,
    },
}

impl Report for View {
    fn command(&self) -> &'static str {
        "report"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        let mut run = json!(self.found.run);
        // as `history` and `dev` call it
        if let Some(id) = run.as_object_mut().and_then(|fields| fields.remove("id")) {
            run["run"] = id;
        }
        let files = json!({ "html": self.found.html, "md": self.found.markdown });
        Fields::from_iter([
            ("run".to_owned(), Value::from(self.found.run.id.clone())),
            ("report".to_owned(), run),
            ("files".to_owned(), files),
        ])
    }

    fn text(&self, style: &Style) -> String {
        match &self.shown {
            Shown::Object | Shown::Path => self.found.html.display().to_string(),
            Shown::Text { document, .. } if style.width().is_some() => text(document, style),
            Shown::Markdown(markdown) | Shown::Text { markdown, .. } => markdown.clone(),
        }
    }
}

/// The document as a terminal shows it; its pictures are for browsers.
fn text(document: &Document, style: &Style) -> String {
    let title: String = document.title.0.iter().map(plain).collect();
    let mut parts = vec![style.bold(title)];
    parts.extend(document.blocks.iter().filter_map(|one| block(one, style)));
    parts.join("\n")
}

fn block(block: &Block, style: &Style) -> Option<String> {
    Some(match block {
        Block::Heading(words) => format!("\n{}", style.bold(words)),
        Block::Paragraph(words) => line(words, style),
        Block::Callout(tone, words) => toned(*tone, line(words, &Style::plain()), style),
        Block::List(items) => {
            items.iter().map(|item| format!("- {}", line(item, style))).collect::<Vec<_>>().join("\n")
        }
        Block::Table(of) => table(of, style),
        Block::Code(Code { text, .. }) => code(text),
        Block::Picture(_) => return None,
        Block::Fold { summary, blocks } => {
            let inside = blocks.iter().filter_map(|one| self::block(one, style));
            std::iter::once(format!("{}:", line(summary, style))).chain(inside).collect::<Vec<_>>().join("\n")
        }
    })
}

fn table(of: &document::Table, style: &Style) -> String {
    let cells = |row: &Row| -> Vec<String> {
        row.cells.iter().map(|cell| toned(row.tone, line(cell, &Style::plain()), style)).collect()
    };
    if of.head.is_empty() {
        let row = |row: &Row| format!("    {}", cells(row).join(": "));
        return of.rows.iter().map(row).collect::<Vec<_>>().join("\n");
    }
    let heads =
        of.head.iter().map(|head| format!("{}{}", if head.is_number { ">" } else { "" }, head.title.to_uppercase()));
    let heads: Vec<String> = heads.collect();
    let mut table = Table::new(heads.iter().map(String::as_str));
    of.rows.iter().for_each(|row| table.row(cells(row)));
    table.render(style)
}

fn code(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().take(LINES).map(|line| format!("    {line}")).collect();
    let more = text.lines().count().saturating_sub(LINES);
    if more > 0 {
        lines.push(format!("    … {more} more lines"));
    }
    lines.join("\n")
}

fn line(line: &Line, style: &Style) -> String {
    let span = |span: &Span| match span {
        Span::Strong(_) => style.bold(plain(span)),
        Span::Foreign(_) => style.cyan(plain(span)),
        Span::Words(_) => plain(span),
    };
    line.0.iter().map(span).collect()
}

fn plain(span: &Span) -> String {
    match span {
        Span::Words(text) | Span::Strong(text) => text.clone(),
        Span::Foreign(text) => text.replace('\n', "\\n").replace('\t', "\\t"),
    }
}

fn toned(tone: Tone, text: String, style: &Style) -> String {
    match tone {
        Tone::Good => style.green(text),
        Tone::Warning => style.yellow(text),
        Tone::Bad => style.red(text),
        Tone::Neutral => text,
    }
}
