//! Between safemigrate and the server: a proxy that counts statements and lets the N-th of them go wrong.
//!
//! It understands as much of PostgreSQL's frontend protocol as that takes: the startup, simple queries (`Q`), parsed
//! ones (`P`), parsed ones that run again (`B`), and, where asked, the pieces of a COPY (`d`). TLS is declined. Statements are
//! counted over all connections in the order in which they come, from 1, so that the same N meets the same statement
//! as long as the client does the same.

use super::cluster::Cluster;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// What happens at the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its connection ends and the server never sees it.
    CutBefore,
    /// The server does it, and its connection ends before the answer arrives.
    CutAfter,
    /// All connections end, and nobody gets a new one.
    ServerGone,
    /// PostgreSQL sees a statement that fails with this SQLSTATE instead. Needs `FAILS` in the database.
    Error(&'static str),
    /// PostgreSQL ends the session instead.
    Terminate,
    /// Nothing of its connection goes on, and nothing is closed.
    Stall,
    /// The server does it, and from then on as `Stall`.
    StallAfter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    Statements,
    /// And every piece of a COPY.
    WithCopyData,
}

/// A function for statements with parameters, which no DO block can take the place of.
pub const FAILS: &str = "CREATE SCHEMA IF NOT EXISTS proxy; CREATE OR REPLACE FUNCTION proxy.fails(code text) RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'injected' USING ERRCODE = code; END $$;";

const SSL_REQUEST: i32 = 80_877_103;

/// Told each statement until it says yes.
type Which = Box<dyn FnMut(&str) -> bool + Send>;

pub struct Proxy {
    pub port: u16,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    /// Its socket: no password is asked there, which saves a test of debug code half a second a connection.
    server: PathBuf,
    /// From this connection on (the first is 1) another server answers.
    elsewhere: Option<(usize, PathBuf)>,
    connections: usize,
    count: Count,
    /// 0: never.
    at: usize,
    /// Instead of a number.
    which: Option<Which>,
    /// Or so many bytes, of both sides and all connections.
    bytes: Option<usize>,
    carried: usize,
    struck: bool,
    fault: Fault,
    gone: bool,
    seen: Vec<String>,
    open: Vec<(TcpStream, UnixStream)>,
}

impl Proxy {
    /// Listens before a server. Everything goes through until `inject`.
    pub fn before(cluster: &Cluster) -> Proxy {
        let server = socket(cluster);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let shared = Shared {
            server,
            elsewhere: None,
            connections: 0,
            count: Count::Statements,
            at: 0,
            which: None,
            bytes: None,
            carried: 0,
            struck: false,
            fault: Fault::CutBefore,
            gone: false,
            seen: Vec::new(),
            open: Vec::new(),
        };
        let shared = Arc::new(Mutex::new(shared));
        let all = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let all = Arc::clone(&all);
                thread::spawn(move || serve(client, &all));
            }
        });
        Proxy { port, shared }
    }

    /// Forgets what was, and lets statement `at` (from 1) go wrong; 0 lets everything through.
    pub fn inject(&self, count: Count, at: usize, fault: Fault) {
        let mut shared = lock(&self.shared);
        shared.cut_all();
        (shared.count, shared.at, shared.fault, shared.gone) = (count, at, fault, false);
        (shared.which, shared.bytes, shared.carried, shared.struck) = (None, None, 0, false);
        (shared.elsewhere, shared.connections) = (None, 0);
        shared.seen.clear();
    }

    /// The same at the first statement of which `which` says so: it is told each, in the order in which they come.
    pub fn inject_where(&self, fault: Fault, which: impl FnMut(&str) -> bool + Send + 'static) {
        self.inject(Count::Statements, 0, fault);
        lock(&self.shared).which = Some(Box::new(which));
    }

    /// The connection that carries byte number `bytes`, of either side, ends there or goes silent, in the middle of a message.
    pub fn inject_after(&self, bytes: usize, fault: Fault) {
        assert!(matches!(fault, Fault::CutBefore | Fault::Stall), "{fault:?}");
        self.inject(Count::Statements, 0, fault);
        lock(&self.shared).bytes = Some(bytes);
    }

    /// From connection number `from` on, another server is behind this port: `has_struck` tells whether it came to that.
    pub fn lead_elsewhere(&self, other: &Cluster, from: usize) {
        self.let_all_through();
        lock(&self.shared).elsewhere = Some((from, socket(other)));
    }

    /// Bytes that came through since `inject`.
    pub fn carried(&self) -> usize {
        lock(&self.shared).carried
    }

    pub fn has_struck(&self) -> bool {
        lock(&self.shared).struck
    }

    pub fn let_all_through(&self) {
        self.inject(Count::Statements, 0, Fault::CutBefore);
    }

    /// The statements that came, the first at place 0.
    pub fn seen(&self) -> Vec<String> {
        lock(&self.shared).seen.clone()
    }

    /// Waits until the fault has come about, or fails after half a minute.
    pub fn wait_until_struck(&self) {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            if self.has_struck() {
                return;
            }
            let seen = self.seen();
            assert!(Instant::now() < until, "half a minute, and it did not come to that: {seen:#?}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn socket(cluster: &Cluster) -> PathBuf {
    cluster.socket_folder().join(format!(".s.PGSQL.{}", cluster.port))
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().expect("the proxy's state")
}

impl Shared {
    fn cut_all(&mut self) {
        for (client, server) in self.open.drain(..) {
            let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
        }
    }

    /// Counts a connection; tells where it leads.
    fn behind(&mut self) -> PathBuf {
        self.connections += 1;
        match &self.elsewhere {
            Some((from, other)) if self.connections >= *from => {
                self.struck = true;
                other.clone()
            }
            _ => self.server.clone(),
        }
    }

    /// Counts bytes on their way; tells how many of them still arrive where the fault is among them.
    fn meters(&mut self, count: usize) -> Option<(usize, Fault)> {
        let left = self.bytes?.checked_sub(self.carried);
        self.carried += count;
        let left = left.filter(|left| *left < count && !self.struck)?;
        self.struck = true;
        Some((left, self.fault))
    }

    /// Counts a statement; tells whether it is the one.
    fn strikes(&mut self, text: String) -> Option<Fault> {
        let is_it =
            self.seen.len() + 1 == self.at || (!self.struck && self.which.as_mut().is_some_and(|which| which(&text)));
        self.seen.push(text);
        self.struck |= is_it;
        is_it.then_some(self.fault)
    }
}

/// One connection; this thread carries what the client says, another one what the server says.
fn serve(mut client: TcpStream, shared: &Arc<Mutex<Shared>>) {
    let (server, gone) = {
        let mut shared = lock(shared);
        (UnixStream::connect(shared.behind()), shared.gone)
    };
    let (Ok(server), false) = (server, gone) else { return };
    let _ = client.set_nodelay(true);
    if let (Ok(one), Ok(other)) = (client.try_clone(), server.try_clone()) {
        lock(shared).open.push((one, other));
    }
    let mut line = Line { server, parsed: HashMap::new(), answers: Arc::new(Mutex::new(Answers::Carry)) };
    let (from, to) = (line.server.try_clone(), client.try_clone());
    let (Ok(from), Ok(to)) = (from, to) else { return };
    let (answers, all) = (Arc::clone(&line.answers), Arc::clone(shared));
    thread::spawn(move || carry_answers(from, to, &answers, &all));
    let _ = line.carry(&mut client, shared);
    let _ = (client.shutdown(Shutdown::Both), line.server.shutdown(Shutdown::Both));
}

#[derive(Clone, Copy)]
enum Answers {
    Carry,
    /// The next one ends the connection instead.
    Cut,
    Hold,
}

fn carry_answers(mut from: UnixStream, mut to: TcpStream, how: &Mutex<Answers>, shared: &Mutex<Shared>) {
    let mut piece = [0; 16 << 10];
    while let Ok(n @ 1..) = from.read(&mut piece) {
        let now = *how.lock().expect("the line's state");
        let metered = if matches!(now, Answers::Carry) { lock(shared).meters(n) } else { None };
        if let Some((left, fault)) = metered {
            let _ = to.write_all(&piece[..left]);
            if fault == Fault::CutBefore {
                break;
            }
            *how.lock().expect("the line's state") = Answers::Hold;
            continue;
        }
        match now {
            Answers::Carry if to.write_all(&piece[..n]).is_ok() => {}
            Answers::Hold => {}
            Answers::Carry | Answers::Cut => break,
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

struct Line {
    server: UnixStream,
    /// Names of parsed statements with their texts, and whether they have run.
    parsed: HashMap<Vec<u8>, (String, bool)>,
    answers: Arc<Mutex<Answers>>,
}

impl Line {
    /// Carries messages until one side ends or the fault has struck.
    fn carry(&mut self, client: &mut TcpStream, shared: &Mutex<Shared>) -> std::io::Result<()> {
        loop {
            let startup = read_body(client)?;
            if startup.get(..4) != Some(&SSL_REQUEST.to_be_bytes()) {
                self.send(None, &startup)?;
                break;
            }
            client.write_all(b"N")?;
        }
        loop {
            let mut kind = [0];
            client.read_exact(&mut kind)?;
            let body = read_body(client)?;
            let count = lock(shared).count;
            let text = self.statement(kind[0], &body, count);
            let metered = lock(shared).meters(body.len() + 5);
            if let Some((left, fault)) = metered {
                let length = i32::try_from(body.len() + 4).expect("a message's length").to_be_bytes();
                let message = [&kind[..], &length[..], &body[..]].concat();
                self.server.write_all(&message[..left])?;
                if fault == Fault::Stall {
                    self.answer(Answers::Hold);
                    while client.read(&mut [0; 1024])? > 0 {}
                }
                return Ok(());
            }
            if matches!(*self.answers.lock().expect("the line's state"), Answers::Hold) {
                // silent in the other direction, and so in this one
                continue;
            }
            let fault = text.and_then(|text| lock(shared).strikes(text));
            match fault {
                None => self.send(Some(kind[0]), &body)?,
                Some(Fault::CutBefore) => return Ok(()),
                Some(Fault::CutAfter) => {
                    self.answer(Answers::Cut);
                    self.send(Some(kind[0]), &body)?;
                    if kind[0] == b'd' {
                        // nobody answers a piece of a COPY
                        return Ok(());
                    }
                }
                Some(Fault::ServerGone) => {
                    let mut shared = lock(shared);
                    shared.gone = true;
                    shared.cut_all();
                }
                Some(Fault::Error(code)) => {
                    let fails = format!("DO $$ BEGIN RAISE EXCEPTION 'injected' USING ERRCODE = '{code}'; END $$");
                    self.send_instead(kind[0], &body, &fails, &format!("proxy.fails('{code}')"))?;
                }
                Some(Fault::Terminate) => {
                    let ends = "pg_terminate_backend(pg_backend_pid())";
                    self.send_instead(kind[0], &body, &format!("SELECT {ends}"), ends)?;
                }
                Some(stall) => {
                    if stall == Fault::StallAfter {
                        self.answer(Answers::Hold);
                        self.send(Some(kind[0]), &body)?;
                    }
                    // until one of them ends it
                    while client.read(&mut [0; 1024])? > 0 {}
                }
            }
        }
    }

    fn answer(&self, how: Answers) {
        *self.answers.lock().expect("the line's state") = how;
    }

    /// The text of a message that counts.
    fn statement(&mut self, kind: u8, body: &[u8], count: Count) -> Option<String> {
        match kind {
            b'Q' => Some(text(body)),
            b'P' => {
                let (name, rest) = cut_at_zero(body);
                self.parsed.insert(name.to_vec(), (text(rest), false));
                Some(text(rest))
            }
            b'B' => {
                let (_, rest) = cut_at_zero(body);
                let (sql, has_run) = self.parsed.get_mut(cut_at_zero(rest).0)?;
                // the first time it was counted when it was parsed
                std::mem::replace(has_run, true).then(|| sql.clone())
            }
            b'd' if count == Count::WithCopyData => Some(format!("-- {} bytes of a COPY", body.len())),
            _ => None,
        }
    }

    fn send(&mut self, kind: Option<u8>, body: &[u8]) -> std::io::Result<()> {
        let mut message: Vec<u8> = kind.into_iter().collect();
        message.extend(i32::try_from(body.len() + 4).expect("a message's length").to_be_bytes());
        message.extend(body);
        self.server.write_all(&message)
    }

    /// The same message with another text: `sql` for a whole statement, `expression` for one of a query with parameters.
    fn send_instead(&mut self, kind: u8, body: &[u8], sql: &str, expression: &str) -> std::io::Result<()> {
        let changed = match kind {
            b'Q' => [sql.as_bytes(), b"\0"].concat(),
            b'P' => {
                let (name, rest) = cut_at_zero(body);
                let (old, types) = cut_at_zero(rest);
                let takes = |n: &usize| String::from_utf8_lossy(old).contains(&format!("${n}"));
                let parameters: String = (1..).take_while(takes).map(|n| format!("${n}, ")).collect();
                [name, b"\0", format!("SELECT {parameters}{expression}").as_bytes(), b"\0", types].concat()
            }
            b'B' => {
                let (portal, rest) = cut_at_zero(body);
                [portal, b"\0", b"no such statement\0", cut_at_zero(rest).1].concat()
            }
            _ => return self.send(Some(b'f'), b"injected\0"),
        };
        self.send(Some(kind), &changed)
    }
}

/// The part before the first zero byte, and the part after it.
fn cut_at_zero(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    (&bytes[..end], bytes.get(end + 1..).unwrap_or_default())
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(cut_at_zero(body).0).into_owned()
}

fn read_body(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(i32::from_be_bytes(length)).unwrap_or(4).saturating_sub(4);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}
