//! The page while it is served: asked as a browser asks, or visited by one.

use crate::scene::{Scene, signal};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub struct Served {
    server: Child,
    pub port: u16,
    pub key: String,
    address: String,
    store: PathBuf,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// A header's value; empty without it.
    pub fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
        line.map_or("", |line| line[name.len() + 1..].trim())
    }
}

impl Served {
    pub fn start(scene: &Scene) -> Served {
        let mut command = scene.command(&["ui", "--no-open", "--json", "--port", "0"]);
        let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).expect("where the page is");
        let address = said["address"].as_str().unwrap().to_owned();
        let port = address.split(['/', ':']).nth(4).unwrap().parse().unwrap();
        let key = address.split_once("key=").unwrap().1.to_owned();
        Served { server, port, key, address, store: scene.store() }
    }

    /// What a person does with it, in a browser: `fixtures/browser/stories/stories.mjs`.
    #[track_caller]
    pub fn story(&self, name: &str, more: &[&str]) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/browser/stories/run.mjs");
        let said = Command::new("node").arg(script).args([name, &self.address]).args(more).output().unwrap();
        assert!(said.status.success(), "{name}: {}", String::from_utf8_lossy(&said.stderr));
    }

    /// Sends these bytes and gives what comes back until the connection ends or is silent.
    pub fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        // whoever says too much is cut off in the middle
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let all = self.raw(
            format!("{method} {path} HTTP/1.1\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
                .as_bytes(),
        );
        let (head, body) = all.split_once("\r\n\r\n").unwrap_or((&all, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn cookie(&self) -> String {
        format!("safemigrate-{}={}", self.port, self.key)
    }

    /// As our own page asks.
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[("host", &self.host()), ("cookie", &self.cookie())], "")
    }

    pub fn post(&self, path: &str, form: &str) -> Answer {
        let origin = format!("http://{}", self.host());
        let headers = [
            ("host", self.host()),
            ("cookie", self.cookie()),
            ("origin", origin),
            ("sec-fetch-site", "same-origin".to_owned()),
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.ask("POST", path, &headers, form)
    }

    /// The same backup under so many other ids.
    pub fn copies_of(&self, id: &str, count: usize) {
        let store = safemigrate::store::Store::open(&self.store).unwrap();
        let manifest = store.manifest(id).unwrap();
        for n in 0..count {
            let mut copy = manifest.clone();
            copy.id = format!("f-{n:08}");
            store.write_manifests(&[&copy]).unwrap();
        }
    }

    /// Ctrl-C; gives the exit code.
    pub fn stop(&mut self) -> i32 {
        signal("INT", self.server.id());
        self.server.wait().unwrap().code().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = (self.server.kill(), self.server.wait());
    }
}
