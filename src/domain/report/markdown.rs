//! A report as Markdown, as GitHub and GitLab show it under a pull request.

use super::block::{Block, Code, Document, Head, Line, Span, Table, Tone};
use super::escape::{html, lines, markdown, markdown_code, one_line};

/// Characters. GitHub takes 65,536 in a comment.
pub const LONGEST: usize = 60_000;

/// The whole document. What is folded is left out first where it would be too long for a comment.
pub fn render(document: &Document) -> String {
    let title = format!("# {}\n", line(&document.title));
    let folded = |block: &Block| matches!(block, Block::Fold { .. });
    let mut left = LONGEST.saturating_sub(length(&title));
    let mut parts: Vec<Option<String>> = vec![None; document.blocks.len()];
    for late in [false, true] {
        for (part, one) in parts.iter_mut().zip(&document.blocks).filter(|(_, one)| folded(one) == late) {
            let text = block(one);
            let (room, says_so) = (length(&text) + 1, "… left out here, too long for a comment: the HTML has it.\n");
            *part = Some(if room <= left { text } else { says_so.to_owned() });
            left = left.saturating_sub(part.as_ref().map_or(0, |part| length(part) + 1));
        }
    }
    let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
    // the same sentence once is enough
    let mut all = vec![title];
    parts.for_each(|part| {
        if all.last() != Some(&part) {
            all.push(part)
        }
    });
    all.join("\n")
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// Ends with a newline, if it is anything.
fn block(block: &Block) -> String {
    match block {
        Block::Heading(words) => format!("## {}\n", markdown(words)),
        Block::Paragraph(words) => format!("{}\n", line(words)),
        Block::Callout(tone, words) => format!("> {} {}\n", sign(*tone), line(words)),
        Block::List(items) => items.iter().map(|item| format!("- {}\n", line(item))).collect(),
        Block::Table(of) => table(of),
        Block::Code(of) => code(of),
        // what it shows stands in a table beside it
        Block::Picture(_) => String::new(),
        Block::Fold { summary, blocks } => {
            let inside: Vec<String> = blocks.iter().map(self::block).filter(|part| !part.is_empty()).collect();
            format!("<details><summary>{}</summary>\n\n{}\n</details>\n", summary_line(summary), inside.join("\n"))
        }
    }
}

fn sign(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "✅",
        Tone::Neutral => "ℹ️",
        Tone::Warning => "⚠️",
        Tone::Bad => "❌",
    }
}

fn line(line: &Line) -> String {
    let span = |span: &Span| match span {
        Span::Words(words) => markdown(words),
        Span::Strong(words) => format!("**{}**", markdown(words)),
        Span::Foreign(text) => markdown_code(text),
    };
    line.0.iter().map(span).collect()
}

/// Up to the next empty line all is HTML, and nothing Markdown.
fn summary_line(line: &Line) -> String {
    let span = |span: &Span| match span {
        Span::Words(words) => html(&one_line(words)),
        Span::Strong(words) => format!("<strong>{}</strong>", html(&one_line(words))),
        Span::Foreign(text) => format!("<code>{}</code>", html(&one_line(text))),
    };
    line.0.iter().map(span).collect()
}

fn table(table: &Table) -> String {
    let row = |cells: &mut dyn Iterator<Item = String>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    let rule = |is_number: bool| if is_number { "---:" } else { "---" }.to_owned();
    let columns = table.rows.first().map_or(0, |row| row.cells.len());
    // a table has to have a head
    let none = vec![Head { title: "", is_number: false }; columns];
    let head = if table.head.is_empty() { &none } else { &table.head };
    let mut text = row(&mut head.iter().map(|head| markdown(head.title)));
    text += &row(&mut head.iter().map(|head| rule(head.is_number)));
    for one in &table.rows {
        text += &row(&mut one.cells.iter().map(line));
    }
    text
}

/// A fence that nothing inside can close.
fn code(code: &Code) -> String {
    let text = lines(&code.text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{}\n{text}{end}{fence}\n", code.language)
}
