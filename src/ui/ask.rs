//! Questions, only where a person can answer them.
//!
//! Each answer ends with Enter, so that no Enter is left over for the next question or for Prisma's. The keys are read
//! one by one, because a line read from the terminal knows no Esc and swallows Ctrl-C.

use super::{Ui, human};
use crate::domain::names::shell_option;
use crate::error::{Context, Error, ErrorKind, Result};
use console::{Key, Term};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Yes,
    No,
}

impl Ui {
    /// A yes-or-no question; `-y` says yes, Enter alone says `default`.
    ///
    /// # Errors
    /// `Confirmation` when nobody can be asked, `Interrupted` on Ctrl-C or Esc.
    pub fn confirm(&self, question: &str, default: bool) -> Result<Answer> {
        if self.settings.yes {
            return Ok(Answer::Yes);
        }
        if !self.can_ask {
            return Err(nobody(question).hint("add --yes to say yes"));
        }
        let choices = if default { "[Y/n]" } else { "[y/N]" };
        loop {
            let line = self.ask(&format!("{question} {choices} "))?;
            if let Some(answer) = yes_or_no(&line, default) {
                return Ok(answer);
            }
        }
    }

    /// One of several; the index of the chosen one. Enter alone takes the first, so put the one that changes nothing there.
    /// `-y` does not choose.
    ///
    /// # Errors
    /// As `confirm`.
    pub fn choose(&self, question: &str, options: &[&str]) -> Result<usize> {
        if !self.can_ask {
            return Err(nobody(question));
        }
        self.bar.clear();
        self.talk(question);
        for (i, option) in options.iter().enumerate() {
            self.talk(&format!("  {}  {option}", self.err_style.cyan((i + 1).to_string())));
        }
        loop {
            let line = self.ask(&format!("1-{} [1]: ", options.len()))?;
            if let Some(chosen) = index(&line, options.len()) {
                return Ok(chosen);
            }
        }
    }

    /// Has the user type `expected` (a database's name), or takes `flag` from `--confirm`; `-y` is not enough.
    ///
    /// # Errors
    /// As `confirm`, and `Confirmation` when something else was typed.
    pub fn type_name(&self, expected: &str, flag: &str) -> Result<()> {
        let hint = format!("add {}", shell_option("--confirm", flag));
        if let Some(given) = &self.settings.confirm {
            let wrong = || other_name(given, flag, "--confirm says").hint(hint);
            return if given == flag { Ok(()) } else { Err(wrong()) };
        }
        if !self.can_ask {
            return Err(nobody(&format!("the name {expected} has to be typed")).hint(hint));
        }
        let line = self.ask(&format!("Type {} to go on: ", self.err_style.bold(expected)))?;
        if line == expected || line.trim() == expected {
            Ok(())
        } else {
            Err(other_name(line.trim(), expected, "You typed"))
        }
    }

    /// One line from the terminal.
    fn ask(&self, prompt: &str) -> Result<String> {
        self.bar.clear();
        let terminal = Term::stderr();
        read_line(&terminal, &human::tame(prompt)).inspect_err(|_| {
            // a bar or Prisma may have hidden it
            let _ = terminal.show_cursor().and_then(|()| terminal.write_line(""));
        })
    }
}

/// What a key does to the line that is being typed.
enum Step {
    Typed(char),
    Erased(char),
    Done,
    Cancelled,
    Nothing,
}

fn step(line: &mut String, key: Key) -> Step {
    match key {
        Key::Enter => Step::Done,
        // Ctrl-D on an empty line is the end of the input
        Key::CtrlC | Key::Escape => Step::Cancelled,
        Key::Char('\u{4}') if line.is_empty() => Step::Cancelled,
        Key::Backspace => line.pop().map_or(Step::Nothing, Step::Erased),
        Key::Char(c) if !c.is_control() => {
            line.push(c);
            Step::Typed(c)
        }
        _ => Step::Nothing,
    }
}

fn read_line(terminal: &Term, prompt: &str) -> Result<String> {
    let lost = || "Cannot read your answer from the terminal".to_owned();
    terminal.write_str(prompt).context(ErrorKind::Confirmation, lost)?;
    let mut line = String::new();
    loop {
        // raw: Ctrl-C comes as a key, and whoever is asked decides what it means
        let key = terminal.read_key_raw().context(ErrorKind::Interrupted, lost)?;
        let shown = match step(&mut line, key) {
            Step::Done => return terminal.write_line("").map(|()| line).context(ErrorKind::Confirmation, lost),
            Step::Cancelled => return Err(Error::new(ErrorKind::Interrupted, "Cancelled")),
            Step::Typed(c) => terminal.write_str(c.encode_utf8(&mut [0; 4])),
            Step::Erased(c) => terminal.clear_chars(console::measure_text_width(c.encode_utf8(&mut [0; 4]))),
            Step::Nothing => Ok(()),
        };
        shown.context(ErrorKind::Confirmation, lost)?;
    }
}

fn yes_or_no(line: &str, default: bool) -> Option<Answer> {
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" => Some(Answer::Yes),
        "n" | "no" => Some(Answer::No),
        "" if default => Some(Answer::Yes),
        "" => Some(Answer::No),
        _ => None,
    }
}

fn index(line: &str, options: usize) -> Option<usize> {
    match line.trim() {
        "" => (options > 0).then_some(0),
        number => number.parse::<usize>().ok().filter(|n| (1..=options).contains(n)).map(|n| n - 1),
    }
}

fn nobody(question: &str) -> Error {
    Error::new(
        ErrorKind::Confirmation,
        format!("A confirmation is needed and nobody can be asked, so nothing was changed: {question}"),
    )
}

fn other_name(given: &str, expected: &str, how: &str) -> Error {
    let message = format!("{how} \"{given}\", but the name is \"{expected}\"; nothing was changed");
    Error::new(ErrorKind::Confirmation, message)
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    fn typed(keys: impl IntoIterator<Item = Key>) -> Option<String> {
        let mut line = String::new();
        for key in keys {
            match step(&mut line, key) {
                Step::Done => return Some(line),
                Step::Cancelled => return None,
                _ => {}
            }
        }
        panic!("still waiting: {line}");
    }

    fn nobody_there(settings: Settings) -> Ui {
        Ui::captured(settings, std::io::sink(), std::io::sink())
    }

    #[test]
    fn keys_make_a_line() {
        let keys = [Key::Char('ä'), Key::Char('x'), Key::Backspace, Key::ArrowUp, Key::Char('y'), Key::Enter];
        assert_eq!(typed(keys).as_deref(), Some("äy"));
        assert_eq!(typed([Key::Backspace, Key::Enter]).as_deref(), Some(""));
    }

    #[test]
    fn ctrl_c_esc_and_the_end_of_input_cancel() {
        for key in [Key::CtrlC, Key::Escape, Key::Char('\u{4}')] {
            assert_eq!(typed([key]), None);
        }
        assert_eq!(typed([Key::Char('a'), Key::Char('\u{4}'), Key::Enter]).as_deref(), Some("a"));
    }

    #[test]
    fn only_a_clear_answer_is_one() {
        assert_eq!(yes_or_no(" Yes ", false), Some(Answer::Yes));
        assert_eq!(yes_or_no("", false), Some(Answer::No));
        assert_eq!(yes_or_no("", true), Some(Answer::Yes));
        assert_eq!(yes_or_no("nope", true), None);
        assert_eq!((index("", 3), index("3", 3), index("4", 3), index("0", 3)), (Some(0), Some(2), None, None));
    }

    #[test]
    fn yes_answers_a_question_but_types_no_name() {
        let ui = nobody_there(Settings { yes: true, ..Settings::default() });
        assert_eq!(ui.confirm("Go on?", false).unwrap(), Answer::Yes);
        assert_eq!(ui.type_name("shop", "shop").unwrap_err().kind, ErrorKind::Confirmation);
        assert_eq!(ui.choose("Which?", &["a", "b"]).unwrap_err().kind, ErrorKind::Confirmation);
    }

    #[test]
    fn confirm_types_the_name() {
        let ui = nobody_there(Settings { confirm: Some("shop".to_owned()), ..Settings::default() });
        assert!(ui.type_name("shop", "shop").is_ok());
        insta::assert_snapshot!(ui.type_name("shop_prod", "shop_prod").unwrap_err(), @r#"--confirm says "shop", but the name is "shop_prod"; nothing was changed"#);
    }

    #[test]
    fn where_nobody_can_be_asked_the_flag_is_named() {
        let ui = nobody_there(Settings::default());
        let shown = |e: Error| format!("{} {e}\n{}", e.kind.exit_code(), e.hints.join("\n"));
        insta::assert_snapshot!(shown(ui.confirm("Roll back now?", true).unwrap_err()), @r"
        7 A confirmation is needed and nobody can be asked, so nothing was changed: Roll back now?
        add --yes to say yes
        ");
        insta::assert_snapshot!(shown(ui.type_name("shop", "shop").unwrap_err()), @r"
        7 A confirmation is needed and nobody can be asked, so nothing was changed: the name shop has to be typed
        add --confirm shop
        ");
    }
}
