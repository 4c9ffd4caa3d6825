//! A person at a terminal: the program runs in a pseudo-terminal, we read the screen and type.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use expectrl::process::unix::{Signal, WaitStatus};
use expectrl::session::OsSession;

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Terminal {
    session: OsSession,
    command: String,
    raw: Vec<u8>,
    /// How far `expect` has read, in the text without escape sequences.
    seen: usize,
    closed: bool,
}

impl Terminal {
    /// Wide enough that no line of ours is wrapped.
    pub fn spawn(command: Command) -> Terminal {
        Terminal::spawn_sized(command, 200, 50)
    }

    pub fn spawn_sized(mut command: Command, columns: u16, rows: u16) -> Terminal {
        // A redirection that the command was made with would beat the pseudo-terminal.
        command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
        let shown = format!("{command:?}");
        let mut session = OsSession::spawn(command).unwrap_or_else(|e| panic!("{shown}: {e}"));
        session.get_process_mut().set_window_size(columns, rows).expect("the terminal's size");
        Terminal { session, command: shown, raw: Vec::new(), seen: 0, closed: false }
    }

    pub fn pid(&self) -> i32 {
        self.session.get_process().pid().as_raw()
    }

    /// Waits until the text is on the screen, after what was expected before; returns what came in between.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> String {
        self.expect_any(&[text]).1
    }

    /// Waits for the first of several texts and tells which.
    #[track_caller]
    pub fn expect_any(&mut self, texts: &[&str]) -> (usize, String) {
        let found = self.expect_any_or_end(texts);
        found.unwrap_or_else(|| panic!("the program ended and never said {texts:?}: {}", self.story()))
    }

    /// The same; `None` when the program ended without any of them.
    #[track_caller]
    pub fn expect_any_or_end(&mut self, texts: &[&str]) -> Option<(usize, String)> {
        let until = Instant::now() + PATIENCE;
        loop {
            let ended = self.closed;
            let screen = self.transcript();
            let rest = &screen[self.seen.min(screen.len())..];
            let found = texts.iter().enumerate().filter_map(|(i, text)| Some((rest.find(text)?, i))).min();
            if let Some((at, which)) = found {
                let before = rest[..at].to_string();
                self.seen += at + texts[which].len();
                return Some((which, before));
            }
            if ended {
                return None;
            }
            assert!(Instant::now() < until, "a minute and never said {texts:?}: {}", self.story());
            self.read();
        }
    }

    pub fn send(&mut self, text: &str) {
        self.session.write_all(text.as_bytes()).and_then(|()| self.session.flush()).expect("the terminal takes input");
    }

    pub fn send_line(&mut self, text: &str) {
        self.send(&format!("{text}\r"));
    }

    pub fn send_ctrl_c(&mut self) {
        self.send("\u{3}");
    }

    pub fn kill9(&mut self) {
        self.session.get_process_mut().signal(Signal::SIGKILL).expect("a signal");
    }

    /// Waits for the end and gives the exit code (128 + the signal that ended it).
    #[track_caller]
    pub fn wait(&mut self) -> i32 {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.session.get_process().status().expect("the program's state") {
                WaitStatus::Exited(_, code) => return self.finish(code),
                WaitStatus::Signaled(_, signal, _) => return self.finish(128 + signal as i32),
                _ => assert!(Instant::now() < until, "a minute and still running: {}", self.story()),
            }
            self.read();
        }
    }

    /// Everything that was on the screen so far, without colours and cursor movements.
    pub fn transcript(&self) -> String {
        console::strip_ansi_codes(&String::from_utf8_lossy(&self.raw)).replace("\r\n", "\n")
    }

    /// The same with every escape sequence.
    pub fn raw_transcript(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    fn finish(&mut self, code: i32) -> i32 {
        let until = Instant::now() + Duration::from_millis(200);
        while !self.closed && Instant::now() < until {
            self.read();
        }
        code
    }

    /// Takes what is there, or waits a moment.
    fn read(&mut self) {
        let mut buffer = [0; 4096];
        match self.session.try_read(&mut buffer) {
            Ok(0) => self.closed = true,
            Ok(count) => return self.raw.extend_from_slice(&buffer[..count]),
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => self.closed = true,
        }
        std::thread::sleep(Duration::from_millis(10));
    }

    fn story(&self) -> String {
        format!("{}\n--- on the screen\n{}\n---", self.command, self.transcript())
    }
}
