//! One way out for text into each of the languages that reports are written in.

use crate::domain::figures::breaks;

/// Text in which nothing hides: what would end a line, turn its direction or show nothing is written as `\u{…}`.
pub fn visible(text: &str) -> String {
    let unseen = |c: char| matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{ad}' | '\u{e0000}'..='\u{e007f}');
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if breaks(c) || unseen(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

/// The same on one line.
pub fn one_line(text: &str) -> String {
    visible(&text.replace('\n', "\\n").replace('\t', "\\t"))
}

/// Lines of code: a line ends with a newline, whatever system it comes from.
pub fn lines(text: &str) -> String {
    visible(&text.replace("\r\n", "\n"))
}

/// Without the folders of this machine: of a path from the root on its last name is left.
pub fn without_folders(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let ends = |c: char| c.is_whitespace() || "\"'`()<>,;:".contains(c);
        let path = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let name = path.trim_end_matches(['/', '.']).rsplit('/').next().unwrap_or_default();
        if c == '/' && ends(before) && before != ':' && !name.is_empty() {
            out.push_str("…/");
            out.push_str(name);
            out.push_str(if path.ends_with('.') { "." } else { "" });
            rest = &rest[path.len()..];
            before = '/';
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            before = c;
        }
    }
    out
}

/// As the content of an element or of an attribute in double quotes.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Our own words in Markdown, where no sign may mean anything; also of names in the middle of them: `@name` calls nobody,
/// `#1` is no issue and an address no link, because a comment that is not shown stands in between.
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let text = one_line(text);
    for (at, c) in text.char_indices() {
        let rest = &text[at..];
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // also where a table ends a cell before it looks at anything else
            '|' => out.push_str("&#124;"),
            '@' | '#' | '$' => out.extend([c].into_iter().chain(APART.chars())),
            ':' if rest.starts_with("://") => out.extend([c].into_iter().chain(APART.chars())),
            '.' if text[..at].to_ascii_lowercase().ends_with("www") => out.extend(APART.chars().chain([c])),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

const APART: &str = "<!-- -->";

/// Somebody else's words in Markdown, on one line, also in a cell of a table: as code, so that no `@name` calls anybody,
/// no address becomes a link and no number one to an issue.
pub fn markdown_code(text: &str) -> String {
    let text = one_line(text);
    let plain = |c: char| !c.is_ascii_punctuation() || !"`|\\<>&".contains(c);
    if text.is_empty() || text.starts_with(' ') || text.ends_with(' ') || !text.chars().all(plain) {
        return format!("<code>{}</code>", entities(&text));
    }
    format!("`{text}`")
}

/// No sign is left that Markdown or HTML could read.
fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if c.is_ascii_punctuation() || c == ' ' && text.trim() != text {
            out.push_str(&format!("&#{};", u32::from(c)));
            // GitHub makes an address of what it has read already
            if c == '@' {
                out.push_str(APART);
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hides() {
        assert_eq!(visible("a\u{202e}b\u{200b}\u{1b}[1m\tc\n"), "a\\u{202e}b\\u{200b}\\u{1b}[1m\tc\n");
        assert_eq!(one_line("a\nb\r"), "a\\nb\\u{d}");
        assert_eq!(lines("a\r\nb\rc"), "a\nb\\u{d}c");
        assert_eq!(visible("שלום 漢字 é"), "שלום 漢字 é");
    }

    #[test]
    fn folders_are_nobodys_business() {
        let told = |text: &str| without_folders(text);
        assert_eq!(
            told("The store /home/jo/shop/.safemigrate cannot be written: no"),
            "The store …/.safemigrate cannot be written: no"
        );
        assert_eq!(told("open \"/a/b c\", /d/e/."), "open \"…/b c\", …/e.");
        assert_eq!(told("1 / 2, a/b postgresql://me@host/shop //"), "1 / 2, a/b postgresql://me@host/shop //");
    }

    #[test]
    fn signs_mean_nothing() {
        assert_eq!(html("<b a='\"'>&"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
        assert_eq!(markdown("1 * [x](y) <b> a|b"), "1 \\* \\[x\\](y) &lt;b&gt; a&#124;b");
        assert_eq!(markdown("@jo #1 http://x Www.x"), "@<!-- -->jo #<!-- -->1 http:<!-- -->//x Www<!-- -->.x");
        assert_eq!(markdown_code("public.Product_x"), "`public.Product_x`");
        assert_eq!(markdown_code("a`b|c\\"), "<code>a&#96;b&#124;c&#92;</code>");
        assert_eq!(markdown_code(" x"), "<code>&#32;x</code>");
        assert_eq!(markdown_code("jo@x.de|"), "<code>jo&#64;<!-- -->x&#46;de&#124;</code>");
        assert_eq!(markdown_code(""), "<code></code>");
    }
}
