//! `[[guard.registered]]` of `safemigrate.toml`: the production databases by what their servers say they are. The file is the
//! user's: it is changed as text, and nothing else in it moves.

use super::Identity;

const HEAD: &str = "[[guard.registered]]";

/// The registered database that this one is. Where one of the two servers does not tell which it is, a name alone must not
/// make every database of that name production.
pub fn find<'a>(known: &'a [Identity], here: &Identity) -> Option<&'a Identity> {
    known.iter().find(|known| known.system.is_some() == here.system.is_some() && known.is_same_as(here))
}

/// The file with one more database in it; as it is where that is in it already.
pub fn add(text: &str, known: &[Identity], identity: &Identity) -> String {
    if known.iter().any(|old| old == identity) {
        return text.to_owned();
    }
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines = vec![HEAD.to_owned()];
    lines.extend(identity.system.as_ref().map(|system| format!("system = {}", quoted(system))));
    lines.push(format!("database = {}", quoted(&identity.database)));
    lines.extend(identity.oid.map(|oid| format!("oid = {oid}")));
    let entry: String = lines.iter().map(|line| format!("{line}{newline}")).collect();
    match text.trim_end() {
        "" => entry,
        before => format!("{before}{newline}{newline}{entry}"),
    }
}

/// The file without the entries that are this database. `parse` reads one entry, as it stands.
pub fn remove(text: &str, identity: &Identity, parse: impl Fn(&str) -> Option<Identity>) -> String {
    let mut kept: Vec<String> = Vec::new();
    for section in sections(text) {
        let is_it =
            section.trim_start().starts_with(HEAD) && parse(&section).is_some_and(|old| old.is_same_as(identity));
        if !is_it {
            kept.push(section);
        } else if let Some(before) = kept.last_mut() {
            // the empty line before the entry went in with it
            let newline = if before.ends_with("\r\n") { "\r\n" } else { "\n" };
            *before = format!("{}{newline}", before.trim_end());
        }
    }
    kept.concat()
}

/// The text cut before each table's head.
fn sections(text: &str) -> Vec<String> {
    let mut sections = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with('[') {
            sections.push(String::new());
        }
        if let Some(section) = sections.last_mut() {
            section.push_str(line);
        }
    }
    sections.retain(|section| !section.is_empty());
    sections
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct File {
        guard: Guard,
    }

    #[derive(Deserialize)]
    struct Guard {
        #[serde(default)]
        registered: Vec<Identity>,
    }

    fn parse(text: &str) -> Vec<Identity> {
        toml::from_str::<File>(text).map(|file| file.guard.registered).unwrap_or_default()
    }

    fn first(text: &str) -> Option<Identity> {
        parse(text).into_iter().next()
    }

    #[test]
    fn what_is_added_reads_back_and_goes_again_without_a_trace() {
        let odd = Identity { system: Some("7412".into()), database: "a\"b\\c\u{7}[x]\n".into(), oid: Some(5) };
        let shop = Identity { system: None, database: "shop".into(), oid: None };
        for text in [
            "",
            "[guard]\nproduction = [\"*.prod\"] # ours\n",
            "[guard]\r\nproduction = [\r\n  \"x\",\r\n]\r\n\r\n[hook]\r\n",
            "# nothing yet\n",
            "[guard]",
        ] {
            let one = add(text, &parse(text), &odd);
            let two = add(&one, &parse(&one), &shop);
            assert_eq!(parse(&two), [odd.clone(), shop.clone()], "{two}");
            assert_eq!(add(&two, &parse(&two), &shop), two, "twice is once");
            let back = remove(&two, &shop, first);
            assert_eq!(back, one, "{text}");
            assert_eq!(remove(&back, &odd, first).trim_end(), text.trim_end(), "{text}");
        }
    }

    #[test]
    fn a_name_alone_is_found_only_where_no_server_tells() {
        let identity = |system: Option<&str>| Identity {
            system: system.map(str::to_owned),
            database: "shop".into(),
            oid: Some(5),
        };
        for (known, here, found) in [
            (Some("1"), Some("1"), true),
            (Some("1"), Some("2"), false),
            (None, None, true),
            (Some("1"), None, false),
            (None, Some("1"), false),
        ] {
            assert_eq!(find(&[identity(known)], &identity(here)).is_some(), found, "{known:?} {here:?}");
        }
    }

    #[test]
    fn an_entry_between_others_goes_and_they_stay() {
        let text = "[[guard.registered]]\nsystem = \"1\"\ndatabase = \"a\"\n\n# next\n[[guard.registered]]\nsystem = \"1\"\ndatabase = \"b\"\n\n[hook]\n";
        let a = Identity { system: Some("1".into()), database: "a".into(), oid: None };
        let left = remove(text, &a, first);
        assert_eq!(parse(&left).len(), 1, "{left}");
        assert!(left.contains("database = \"b\"") && left.ends_with("[hook]\n"), "{left}");
    }
}
