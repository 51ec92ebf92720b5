//! A package index over HTTP that wants a password.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use camino::{Utf8Path, Utf8PathBuf};

/// A simple index (PEP 503) of the wheels of a folder, on a port of 127.0.0.1; it ends with the test's process.
pub struct IndexServer {
    port: u16,
    served: Arc<AtomicUsize>,
}

impl IndexServer {
    /// Starts it; every request has to bring that `Authorization`.
    pub fn start(wheels: &Utf8Path, authorization: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let served = Arc::new(AtomicUsize::new(0));
        let (counted, wheels) = (Arc::clone(&served), wheels.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (wheels, served) = (wheels.clone(), Arc::clone(&counted));
                // A client that hangs up is its own affair.
                std::thread::spawn(move || answer(client, &wheels, authorization, &served));
            }
        });
        Self { port, served }
    }

    /// Where the index begins, with this before the host: nothing, or `user:password@`.
    pub fn url(&self, credentials: &str) -> String {
        format!("http://{credentials}127.0.0.1:{}/simple", self.port)
    }

    /// How many wheels have been sent.
    pub fn served(&self) -> usize {
        self.served.load(Ordering::Relaxed)
    }
}

fn answer(client: TcpStream, wheels: &Utf8Path, authorization: &str, served: &AtomicUsize) -> io::Result<()> {
    let mut client = BufReader::new(client);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        client.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let known = head
        .iter()
        .filter_map(|line| line.split_once(": "))
        .any(|(name, value)| name.eq_ignore_ascii_case("authorization") && value == authorization);
    let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let wheel = wheels.join(name);
    let (status, kind, content) = if !known {
        ("401 Unauthorized\r\nwww-authenticate: Basic realm=\"index\"", "text/plain", Vec::new())
    } else if wheel.is_file() {
        served.fetch_add(1, Ordering::Relaxed);
        ("200 OK", "application/octet-stream", fs_err::read(wheel)?)
    } else {
        let files = of_project(wheels, name)?;
        let links = files.iter().map(|file| format!("<a href=\"{file}\">{file}</a>\n"));
        let status = if files.is_empty() { "404 Not Found" } else { "200 OK" };
        (status, "text/html", format!("<!DOCTYPE html>\n{}", links.collect::<String>()).into_bytes())
    };
    let client = client.get_mut();
    write!(
        client,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        content.len()
    )?;
    client.write_all(&content)
}

/// The names of the wheels of a project.
fn of_project(wheels: &Utf8Path, name: &str) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in Utf8PathBuf::from(wheels).read_dir_utf8()? {
        let file = entry?.file_name().to_owned();
        if file.split('-').next().is_some_and(|project| project.replace('_', "-") == name) {
            files.push(file);
        }
    }
    Ok(files)
}
