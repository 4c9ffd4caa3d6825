//! A report as one HTML file that needs nothing else: no script, no font, no picture from elsewhere.

use super::block::{Block, Code, Document, Line, Span, Table, Tone};
use super::escape::{html, lines, one_line};
use super::picture::Picture;

/// Should anything slip through the escaping, a browser still neither runs nor loads it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub fn render(document: &Document) -> String {
    let mut page = Page { text: String::new(), pictures: 0, parts: 0 };
    document.blocks.iter().for_each(|block| page.block(block));
    let plain: String = document.title.0.iter().map(plain).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{}</h1>\n{}</main>\n</body>\n</html>\n",
        html(POLICY),
        html(&plain),
        line(&document.title),
        page.text,
    )
}

fn plain(span: &Span) -> String {
    match span {
        Span::Words(text) | Span::Strong(text) | Span::Foreign(text) => one_line(text),
    }
}

fn line(line: &Line) -> String {
    let span = |span: &Span| match span {
        Span::Words(words) => html(&one_line(words)),
        Span::Strong(words) => format!("<strong>{}</strong>", html(&one_line(words))),
        Span::Foreign(text) => format!("<code>{}</code>", html(&one_line(text))),
    };
    line.0.iter().map(span).collect()
}

struct Page {
    text: String,
    pictures: usize,
    /// Those that can be scrolled have names, and each its own.
    parts: usize,
}

impl Page {
    fn block(&mut self, block: &Block) {
        let text = match block {
            Block::Heading(words) => format!("<h2>{}</h2>\n", html(words)),
            Block::Paragraph(words) => format!("<p>{}</p>\n", line(words)),
            Block::Callout(tone, words) => {
                format!("<p class=\"callout {}\">{} {}</p>\n", class(*tone), sign(*tone), line(words))
            }
            Block::List(items) => {
                let items: String = items.iter().map(|item| format!("<li>{}</li>\n", line(item))).collect();
                format!("<ul>\n{items}</ul>\n")
            }
            Block::Table(table) => self.wide(table.name, &self::table(table)),
            Block::Code(Code { text, .. }) => self.wide("code", &format!("<pre>{}</pre>\n", html(&lines(text)))),
            Block::Picture(picture) => self.picture(picture),
            Block::Fold { summary, blocks } => {
                self.text += &format!("<details>\n<summary>{}</summary>\n", line(summary));
                blocks.iter().for_each(|block| self.block(block));
                "</details>\n".to_owned()
            }
        };
        self.text += &text;
    }

    /// What is wider than the page is scrolled by itself, also with the keyboard.
    fn wide(&mut self, name: &str, content: &str) -> String {
        self.parts += 1;
        let name = format!("{name} {}", self.parts);
        format!("<div class=\"wide\" role=\"region\" aria-label=\"{}\" tabindex=\"0\">\n{content}</div>\n", html(&name))
    }

    fn picture(&mut self, picture: &Picture) -> String {
        self.pictures += 1;
        let key = |(class, meaning): &(&str, &str)| format!(" <span class=\"key {class}\">{}</span>", html(meaning));
        let keys: String = picture.keys().iter().map(key).collect();
        let drawn = self.wide(picture.title(), &picture.svg(self.pictures));
        format!("<figure>\n<figcaption>{}:{keys}</figcaption>\n{drawn}</figure>\n", html(picture.title()))
    }
}

fn table(table: &Table) -> String {
    let number = |n: usize| table.head.get(n).is_some_and(|head| head.is_number);
    let attribute = |n: usize| if number(n) { " class=\"number\"" } else { "" };
    let head = table.head.iter().enumerate();
    let head: String = head.map(|(n, h)| format!("<th scope=\"col\"{}>{}</th>", attribute(n), html(h.title))).collect();
    let head = if head.is_empty() { head } else { format!("<thead><tr>{head}</tr></thead>\n") };
    let mut text = format!("<table>\n{head}<tbody>\n");
    for row in &table.rows {
        let cells = row.cells.iter().enumerate();
        let cell = |(n, cell): (usize, &Line)| match (n, table.head.is_empty()) {
            (0, true) => format!("<th scope=\"row\">{}</th>", line(cell)),
            _ => format!("<td{}>{}</td>", attribute(n), line(cell)),
        };
        let cells: String = cells.map(cell).collect();
        text += &format!("<tr class=\"{}\">{cells}</tr>\n", class(row.tone));
    }
    text + "</tbody>\n</table>\n"
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Neutral => "plain",
        Tone::Warning => "warning",
        Tone::Bad => "bad",
    }
}

/// Said by the words beside it too.
fn sign(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "<span aria-hidden=\"true\">✔</span>",
        Tone::Neutral => "<span aria-hidden=\"true\">ℹ</span>",
        Tone::Warning => "<span aria-hidden=\"true\">⚠</span>",
        Tone::Bad => "<span aria-hidden=\"true\">✘</span>",
    }
}
