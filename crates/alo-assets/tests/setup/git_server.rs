//! A small git server: upload-pack in a few lines on libgit2, over HTTP(S) or a bare connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use camino::Utf8Path;
use git2::Repository;

/// What the HTTP server does.
#[derive(Clone, Default)]
pub(crate) struct Behaviour {
    /// The `Authorization` header that it wants.
    pub(crate) authorization: Option<String>,
    /// Whether `/old/…` is somewhere else now.
    pub(crate) redirects_to: Option<String>,
}

/// A running server. It ends with the test's process.
pub(crate) struct Server {
    pub(crate) port: u16,
    /// The first line of every request.
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves over HTTP, or HTTPS if there is a TLS configuration.
    pub(crate) fn http(
        repository: &Utf8Path,
        behaviour: Behaviour,
        tls: Option<Arc<rustls::ServerConfig>>,
    ) -> Self {
        let repository = repository.to_owned();
        Self::start(move |stream, requests| match &tls {
            None => answer(&mut BufReader::new(stream), &repository, &behaviour, requests),
            Some(tls) => {
                let connection = rustls::ServerConnection::new(Arc::clone(tls)).unwrap();
                let stream = rustls::StreamOwned::new(connection, stream);
                answer(&mut BufReader::new(stream), &repository, &behaviour, requests)
            }
        })
    }

    /// Speaks the stateful protocol, as behind ssh.
    pub(crate) fn bare(repository: &Utf8Path) -> Self {
        let repository = repository.to_owned();
        Self::start(move |stream, _| {
            let mut stream = BufReader::new(stream);
            stream.get_mut().write_all(&advertisement(&repository))?;
            let mut wanted = Vec::new();
            loop {
                match packet(&mut stream)? {
                    None => return Ok(()),
                    Some(line) if line.is_empty() && !wanted.is_empty() => {}
                    Some(line) if line.is_empty() => return Ok(()),
                    Some(line) if line.starts_with(b"want ") => wanted.push(line),
                    Some(line) if line.starts_with(b"done") => break,
                    Some(_) => stream.get_mut().write_all(b"0008NAK\n")?,
                }
            }
            stream.get_mut().write_all(b"0008NAK\n")?;
            stream.get_mut().write_all(&pack(&repository))
        })
    }

    /// A proxy: tunnels to wherever it is told, which is noted.
    pub(crate) fn proxy() -> Self {
        Self::start(|stream, requests| {
            let mut client = BufReader::new(stream);
            let head = read_head(&mut client)?;
            let request = head.first().cloned().unwrap_or_default();
            let target = TcpStream::connect(request.split(' ').nth(1).unwrap_or_default())?;
            requests.lock().unwrap().push(request);
            client.get_mut().write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
            let (mut up, mut down) = (target.try_clone()?, client.get_ref().try_clone()?);
            std::thread::spawn(move || std::io::copy(&mut client, &mut up));
            std::io::copy(&mut &target, &mut down)?;
            down.shutdown(std::net::Shutdown::Both)
        })
    }

    /// Accepts connections and never says a word.
    pub(crate) fn silent() -> Self {
        let kept = Mutex::new(Vec::new());
        Self::start(move |stream, _| {
            kept.lock().unwrap().push(stream);
            Ok(())
        })
    }

    /// Answers every connection on a thread of its own.
    pub(crate) fn start(
        serve: impl Fn(TcpStream, &Mutex<Vec<String>>) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let theirs = Arc::clone(&requests);
        let serve = Arc::new(serve);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (serve, requests) = (Arc::clone(&serve), Arc::clone(&theirs));
                // A client that hangs up is its own affair.
                std::thread::spawn(move || serve(stream, &requests));
            }
        });
        Self { port, requests }
    }
}

fn answer(
    stream: &mut BufReader<impl Read + Write>,
    repository: &Utf8Path,
    behaviour: &Behaviour,
    requests: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let head = read_head(stream)?;
    let request = head.first().cloned().unwrap_or_default();
    requests.lock().unwrap().push(request.clone());
    let header = |name: &str| {
        let mut fields = head.iter().filter_map(|line| line.split_once(": "));
        fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let path = request.split(' ').nth(1).unwrap_or_default();
    if let (Some(target), true) = (&behaviour.redirects_to, path.starts_with("/old/")) {
        let place = path.replacen("/old", target, 1);
        return send(stream, &format!("302 Found\r\nlocation: {place}"), "text/plain", b"");
    }
    let (status, kind, content) =
        if behaviour.authorization.is_some() && header("authorization") != behaviour.authorization {
            ("401 Unauthorized", "text/plain", Vec::new())
        } else if path == "/repo.git/info/refs?service=git-upload-pack" {
            let mut content = b"001e# service=git-upload-pack\n0000".to_vec();
            content.extend(advertisement(repository));
            ("200 OK", "application/x-git-upload-pack-advertisement", content)
        } else if path == "/repo.git/git-upload-pack" {
            let mut content = b"0008NAK\n".to_vec();
            if body.windows(4).any(|part| part == b"done") {
                content.extend(pack(repository));
            }
            ("200 OK", "application/x-git-upload-pack-result", content)
        } else if path.starts_with("/page") {
            ("200 OK", "text/html", b"<p>no git".to_vec())
        } else {
            ("404 Not Found", "text/plain", Vec::new())
        };
    send(stream, status, kind, &content)
}

/// The lines of a request before its body.
pub(crate) fn read_head(stream: &mut impl BufRead) -> std::io::Result<Vec<String>> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if line.trim().is_empty() {
            return Ok(head);
        }
        head.push(line.trim().to_owned());
    }
}

/// Answers a request.
pub(crate) fn send(
    stream: &mut BufReader<impl Read + Write>,
    status: &str,
    kind: &str,
    content: &[u8],
) -> std::io::Result<()> {
    let stream = stream.get_mut();
    let length = content.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    )?;
    stream.write_all(content)?;
    stream.flush()
}

/// The list of references, as a server sends it first.
fn advertisement(repository: &Utf8Path) -> Vec<u8> {
    let repository = Repository::open(repository).unwrap();
    let head = repository.head().unwrap();
    let mut names = vec![("HEAD".to_owned(), head.target().unwrap())];
    for reference in repository.references().unwrap() {
        let reference = reference.unwrap();
        names.push((reference.name().unwrap().to_owned(), reference.target().unwrap()));
    }
    let mut content = Vec::new();
    for (at, (name, id)) in names.iter().enumerate() {
        let abilities = if at == 0 {
            format!("\0symref=HEAD:{} agent=test", head.name().unwrap())
        } else {
            String::new()
        };
        let line = format!("{id} {name}{abilities}\n");
        content.extend(format!("{:04x}{line}", line.len() + 4).into_bytes());
    }
    content.extend(b"0000");
    content
}

/// Everything the repository has.
fn pack(repository: &Utf8Path) -> Vec<u8> {
    let repository = Repository::open(repository).unwrap();
    let mut walk = repository.revwalk().unwrap();
    walk.push_glob("refs/*").unwrap();
    let mut builder = repository.packbuilder().unwrap();
    builder.insert_walk(&mut walk).unwrap();
    // A walk goes over commits; annotated tags are objects of their own.
    for reference in repository.references().unwrap() {
        builder.insert_recursive(reference.unwrap().target().unwrap(), None).unwrap();
    }
    let mut content = git2::Buf::new();
    builder.write_buf(&mut content).unwrap();
    content.to_vec()
}

/// One line of the protocol; empty for a flush, `None` at the end.
fn packet(stream: &mut impl Read) -> std::io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if stream.read_exact(&mut length).is_err() {
        return Ok(None);
    }
    let length =
        std::str::from_utf8(&length).ok().and_then(|hex| usize::from_str_radix(hex, 16).ok()).unwrap_or(0);
    let mut line = vec![0; length.saturating_sub(4)];
    stream.read_exact(&mut line)?;
    Ok(Some(line))
}
