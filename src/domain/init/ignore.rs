//! The line in `.gitignore`.
//!
//! Git needs none: the store ignores itself. The line is for those who look into the project's own file only, people and
//! tools that copy, format or upload a project.

/// The file with `line` (`.safemigrate/`); the same where one that says so is there.
pub fn with_line(file: &str, line: &str) -> String {
    if file.lines().any(|there| covers(there, line)) {
        return file.to_owned();
    }
    let line_end = if file.contains("\r\n") { "\r\n" } else { "\n" };
    match file.is_empty() || file.ends_with('\n') {
        true => format!("{file}{line}{line_end}"),
        // a file without a last line end keeps its way
        false => format!("{file}{line_end}{line}"),
    }
}

/// The file without our line.
pub fn without_line(file: &str, line: &str) -> String {
    let lines: Vec<&str> = file.split_inclusive('\n').collect();
    let Some(at) = lines.iter().rposition(|there| there.trim_end_matches(['\r', '\n']) == line) else {
        return file.to_owned();
    };
    let ends = lines[at].ends_with('\n');
    let text = [&lines[..at], &lines[at + 1..]].concat().concat();
    if ends { text } else { text.trim_end_matches('\n').trim_end_matches('\r').to_owned() }
}

fn covers(there: &str, line: &str) -> bool {
    let pattern = there.trim_end().trim_start_matches("**/").trim_start_matches('/');
    let pattern = pattern.trim_end_matches('*').trim_end_matches('*').trim_end_matches('/');
    pattern == line.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_comes_and_goes() {
        for (file, expected) in [
            ("", ".safemigrate/\n"),
            ("node_modules\n", "node_modules\n.safemigrate/\n"),
            ("node_modules", "node_modules\n.safemigrate/"),
            ("a\r\nb\r\n", "a\r\nb\r\n.safemigrate/\r\n"),
            ("a\r\nb", "a\r\nb\r\n.safemigrate/"),
        ] {
            let with = with_line(file, ".safemigrate/");
            assert_eq!(with, expected);
            assert_eq!(with_line(&with, ".safemigrate/"), with);
            assert_eq!(without_line(&with, ".safemigrate/"), file);
        }
        assert_eq!(without_line("a\n.safemigrate/\nb\n", ".safemigrate/"), "a\nb\n");
    }

    #[test]
    fn a_line_that_is_there_is_enough() {
        for line in [".safemigrate", "/.safemigrate/", "**/.safemigrate/", ".safemigrate/**", ".safemigrate/*"] {
            assert_eq!(with_line(line, ".safemigrate/"), line);
        }
        for line in ["# .safemigrate", "!.safemigrate", ".safemigrate2"] {
            assert_ne!(with_line(line, ".safemigrate/"), line);
        }
    }
}
