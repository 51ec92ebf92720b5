//! A real git server over HTTP: `git http-backend` behind the few lines that a CGI program needs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use camino::Utf8Path;

use crate::git_machine::git_program;

/// What stands between the client and the program.
#[derive(Default)]
pub(crate) struct Manners {
    /// The value of `Authorization` that it wants.
    pub(crate) authorization: Option<String>,
    /// How many requests get a status 503 first.
    pub(crate) busy: AtomicUsize,
    /// How many packs are cut in their middle first.
    pub(crate) cut: AtomicUsize,
    /// Where every path below `/moved` is now.
    pub(crate) moved_to: Option<String>,
    /// The status that every request gets.
    pub(crate) status: Option<&'static str>,
}

/// The first line of a request, and its `Authorization` header.
pub(crate) type Request = (String, Option<String>);

/// A running server for the repositories of a folder. It ends with the test's process.
pub(crate) struct HttpBackend {
    pub(crate) port: u16,
    /// All requests so far.
    pub(crate) requests: Arc<Mutex<Vec<Request>>>,
}

impl HttpBackend {
    pub(crate) fn start(root: &Utf8Path, manners: Manners) -> Option<Self> {
        let git = git_program()?;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (root, theirs, manners) = (root.to_owned(), Arc::clone(&requests), Arc::new(manners));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (git, root, manners, requests) =
                    (git.clone(), root.clone(), Arc::clone(&manners), Arc::clone(&theirs));
                // A client that hangs up is its own affair.
                std::thread::spawn(move || answer(stream, &git, &root, &manners, &requests));
            }
        });
        Some(Self { port, requests })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }
}

fn takes_one(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

fn answer(
    stream: TcpStream,
    git: &Utf8Path,
    root: &Utf8Path,
    manners: &Manners,
    requests: &Mutex<Vec<Request>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let header = |name: &str| {
        let mut fields = head.iter().filter_map(|line| line.split_once(": "));
        fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let request = head.first().cloned().unwrap_or_default();
    requests.lock().unwrap().push((request.clone(), header("authorization")));
    let mut body = vec![0; header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body)?;
    let stream = stream.get_mut();
    let mut words = request.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let plain = |stream: &mut TcpStream, status: &str| {
        write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    };
    if let (Some(place), Some(rest)) = (&manners.moved_to, target.strip_prefix("/moved")) {
        return plain(stream, &format!("301 Moved Permanently\r\nlocation: {place}{rest}"));
    }
    if let Some(status) = manners.status {
        return plain(stream, status);
    }
    if takes_one(&manners.busy) {
        return plain(stream, "503 Service Unavailable");
    }
    if manners.authorization.is_some() && header("authorization") != manners.authorization {
        return plain(stream, "401 Unauthorized\r\nwww-authenticate: Basic realm=\"git\"");
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut child = Command::new(git)
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_PROTOCOL", header("git-protocol").unwrap_or_default())
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type").unwrap_or_default())
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding").unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&body));
    let mut output = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut output)?;
    let _ = writer.join();
    child.wait()?;
    let end = output.windows(4).position(|part| part == b"\r\n\r\n").map_or(output.len(), |at| at + 4);
    let (fields, mut content) = output.split_at(end);
    let fields = String::from_utf8_lossy(fields);
    let status = fields.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    let length = content.len();
    let is_pack = content.windows(4).any(|part| part == b"PACK");
    if is_pack && takes_one(&manners.cut) {
        content = &content[..length / 2];
    }
    write!(stream, "HTTP/1.1 {status}\r\n{}content-length: {length}\r\nconnection: close\r\n\r\n", {
        let kept = fields.lines().filter(|line| !line.is_empty() && !line.starts_with("Status:"));
        kept.fold(String::new(), |text, line| text + line + "\r\n")
    })?;
    stream.write_all(content)
}
