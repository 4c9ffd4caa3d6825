//! What a person or a script sees of each kind of word.

use super::report::error_text;
use super::*;
use crate::error::ErrorKind;
use serde_json::json;

/// A stream that can be read afterwards.
#[derive(Clone, Default)]
struct Stream(Arc<Mutex<Vec<u8>>>);

impl Stream {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `head -1` leaves behind.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

struct Two;

impl Report for Two {
    fn command(&self) -> &'static str {
        "list"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        [("backups".to_owned(), json!(["f-1", "d-\"2\""]))].into_iter().collect()
    }

    fn text(&self, style: &Style) -> String {
        format!("{}\nd-2", style.cyan("f-1"))
    }
}

fn lost() -> Error {
    let cause = io::Error::other("column \"price\" is gone");
    let error = Error::new(ErrorKind::DataLost, "The migration lost data in 1 table").because(cause);
    error.hint("safemigrate rollback f-1").hint("safemigrate reinsert d-1")
}

/// stdout and stderr of what was done to a `Ui`.
fn shown(settings: Settings, work: impl Fn(&Ui)) -> String {
    let (out, err) = (Stream::default(), Stream::default());
    work(&Ui::captured(settings, out.clone(), err.clone()));
    format!("--out--\n{}--err--\n{}", out.text(), err.text())
}

fn json_settings() -> Settings {
    Settings { json: true, ..Settings::default() }
}

#[test]
fn a_result_is_text_or_one_object() {
    insta::assert_snapshot!(shown(Settings::default(), |ui| ui.result(&Two)), @r"
    --out--
    f-1
    d-2
    --err--
    ");
    insta::assert_snapshot!(shown(json_settings(), |ui| ui.result(&Two)), @r#"
    --out--
    {"command":"list","ok":true,"backups":["f-1","d-\"2\""]}
    --err--
    "#);
}

#[test]
fn an_error_says_what_why_and_what_to_type() {
    insta::assert_snapshot!(shown(Settings::default(), |ui| ui.error(&lost(), "dev")), @r#"
    --out--
    --err--
    error: The migration lost data in 1 table
      because: column "price" is gone
    hint: safemigrate rollback f-1
    hint: safemigrate reinsert d-1
    "#);
    insta::assert_snapshot!(shown(json_settings(), |ui| ui.error(&lost(), "dev")), @r#"
    --out--
    {"command":"dev","ok":false,"error":{"hints":["safemigrate rollback f-1","safemigrate reinsert d-1"],"kind":"data-lost","message":"The migration lost data in 1 table: column \"price\" is gone"}}
    --err--
    "#);
    let bare = Error::new(ErrorKind::Locked, "Another run is going on");
    insta::assert_snapshot!(shown(Settings::default(), |ui| ui.error(&bare, "dev")), @r"
    --out--
    --err--
    error: Another run is going on
    ");
}

#[test]
fn a_failure_carries_its_report() {
    let fail = |ui: &Ui| ui.failure(&Failure::with(lost(), Two), "dev");
    insta::assert_snapshot!(shown(Settings::default(), fail), @r#"
    --out--
    f-1
    d-2
    --err--
    error: The migration lost data in 1 table
      because: column "price" is gone
    hint: safemigrate rollback f-1
    hint: safemigrate reinsert d-1
    "#);
    insta::assert_snapshot!(shown(json_settings(), fail), @r#"
    --out--
    {"command":"list","ok":false,"error":{"hints":["safemigrate rollback f-1","safemigrate reinsert d-1"],"kind":"data-lost","message":"The migration lost data in 1 table: column \"price\" is gone"},"backups":["f-1","d-\"2\""]}
    --err--
    "#);
    let bare = |ui: &Ui| ui.failure(&Failure::from(lost()), "dev");
    assert_eq!(shown(json_settings(), bare), shown(json_settings(), |ui| ui.error(&lost(), "dev")));
}

#[test]
fn an_error_in_colour_paints_its_first_words_only() {
    insta::assert_snapshot!(error_text(&lost(), &Style::colored()).escape_debug().to_string(), @r#"\u{1b}[31;1merror:\u{1b}[0m The migration lost data in 1 table\n  \u{1b}[2mbecause:\u{1b}[0m column \"price\" is gone\n\u{1b}[36mhint:\u{1b}[0m safemigrate rollback f-1\n\u{1b}[36mhint:\u{1b}[0m safemigrate reinsert d-1"#);
}

#[test]
fn quiet_and_verbose_change_the_talk_and_nothing_else() {
    let talk = |ui: &Ui| {
        ui.say("said");
        ui.warn("warned");
        ui.detail("detailed");
        ui.result(&Two);
    };
    let quiet = Settings { quiet: true, ..Settings::default() };
    let verbose = Settings { verbose: true, ..Settings::default() };
    insta::assert_snapshot!(shown(quiet, talk), @r"
    --out--
    f-1
    d-2
    --err--
    warning: warned
    ");
    insta::assert_snapshot!(shown(Settings::default(), talk), @r"
    --out--
    f-1
    d-2
    --err--
    said
    warning: warned
    ");
    insta::assert_snapshot!(shown(verbose, talk), @r"
    --out--
    f-1
    d-2
    --err--
    said
    warning: warned
    detailed
    ");
}

#[test]
fn stages_are_lines_where_there_is_no_terminal() {
    use crate::domain::event::{Event, Observer};
    let work = |ui: &Ui| {
        let progress = ui.progress();
        progress.on(Event::Stage { label: "Backing up".to_owned(), total_bytes: 10 });
        progress.on(Event::Bytes(20));
        progress.on(Event::TableDone("public.a\x1b[2Jb".to_owned()));
        progress.on(Event::Note("noted".to_owned()));
        progress.on(Event::StageDone);
    };
    insta::assert_snapshot!(shown(json_settings(), work), @r"
    --out--
    --err--
    Backing up …
    noted
    ");
    insta::assert_snapshot!(shown(Settings { verbose: true, ..Settings::default() }, work), @r"
    --out--
    --err--
    Backing up …
      public.a\u{1b}[2Jb
    noted
    ");
    insta::assert_snapshot!(shown(Settings { quiet: true, ..Settings::default() }, work), @r"
    --out--
    --err--
    ");
}

#[test]
fn nobody_listening_is_no_error() {
    let ui = Ui::captured(Settings::default(), Closed, Closed);
    ui.result(&Two);
    ui.say("hello");
    ui.error(&lost(), "dev");
}
