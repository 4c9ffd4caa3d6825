//! Whatever is in a path, cron and the shell hand it on as it is.

use safemigrate::domain::schedule::crontab::{Command, Entry, Unwritable};

fn command(project: &str) -> Command {
    Command {
        variables: vec![("HOME".into(), "/home/jo".into())],
        program: "/usr/local/bin/safemigrate".into(),
        arguments: ["--project", project, "schedule", "run"].map(str::to_owned).to_vec(),
    }
}

/// What a cron hands to the shell; `doubled`: whether it makes one of two backslashes, on which they differ.
fn of_cron(line: &str, doubled: bool) -> String {
    let mut text = String::new();
    let mut chars = line.splitn(6, ' ').last().unwrap().chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('%')) => text.extend(chars.next()),
            ('\\', Some('\\')) if doubled => text.extend(chars.next()),
            ('%', _) => panic!("a new line: {line}"),
            (c, _) => text.push(c),
        }
    }
    text
}

#[test]
fn every_path_arrives() {
    let odd = [
        "/a b",
        "/it's",
        "/100%",
        r"/a\b",
        r"/a\%b",
        r"/a\\b",
        r"/a\\%%\\\'x",
        "/$HOME",
        "/`id`",
        "/a;b&c|d",
        "/\"q\"",
        "/é/日本",
        "/*",
        "/~",
        "/!x",
        "/#",
        "/a=b",
        "",
        r"\",
        "%",
        "'",
    ];
    for path in odd {
        let line = Entry::new("/s", "* * * * *", &command(path)).unwrap();
        let line = line.line();
        for doubled in [false, true] {
            let script = of_cron(line, doubled)
                .replace("/usr/bin/env -i HOME=/home/jo /usr/local/bin/safemigrate", "printf '<%s>'");
            let output = std::process::Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            assert_eq!(said, format!("<--project><{path}><schedule><run>"), "{line}");
        }
        let plain = command(path).shell();
        assert!(plain.ends_with(" schedule run"), "{plain}");
    }
    for path in ["/a\nb", "/a\rb", "/a\0b", "/a\x1bb"] {
        assert!(matches!(Entry::new("/s", "* * * * *", &command(path)), Err(Unwritable::ControlCharacter(_))));
        assert!(matches!(Entry::new(path, "* * * * *", &command("/p")), Err(Unwritable::ControlCharacter(_))));
    }
    let long = Entry::new("/s", "* * * * *", &command(&"/x".repeat(500))).unwrap_err();
    assert!(long.to_string().contains("too long"), "{long}");
}
