//! A package index (PEP 503) over HTTP: the folders below a root are indexes, of which one wants a password.

use std::fmt::Write;
use std::io::BufReader;
use std::net::TcpStream;

use camino::Utf8Path;
use sha2::{Digest, Sha256};

use crate::git_server::{Server, read_head, send};

/// The index that asks for a password.
pub(crate) const PRIVATE: &str = "private";
/// `me:s3cret`
const AUTHORIZATION: &str = "authorization: Basic bWU6czNjcmV0";

/// Serves `<root>/<index>/*.whl` as `/<index>/simple/<package>/` and `/<index>/files/<wheel>`.
pub(crate) fn serve(root: &Utf8Path) -> Server {
    let root = root.to_owned();
    Server::start(move |stream, requests| {
        let mut stream = BufReader::new(stream);
        let head = read_head(&mut stream)?;
        let request = head.first().cloned().unwrap_or_default();
        requests.lock().unwrap().push(request.clone());
        answer(&mut stream, &root, &head, request.split(' ').nth(1).unwrap_or_default())
    })
}

fn answer(
    stream: &mut BufReader<TcpStream>,
    root: &Utf8Path,
    head: &[String],
    path: &str,
) -> std::io::Result<()> {
    let parts: Vec<_> = path.split(['/', '?']).filter(|part| !part.is_empty()).collect();
    let is_known = head.iter().any(|line| line.to_lowercase() == AUTHORIZATION.to_lowercase());
    if parts.first() == Some(&PRIVATE) && !is_known {
        let status = "401 Unauthorized\r\nwww-authenticate: Basic realm=\"test\"";
        return send(stream, status, "text/plain", b"");
    }
    match parts[..] {
        [index, "simple", package] => match links(&root.join(index), package) {
            Some(page) => send(stream, "200 OK", "text/html", page.as_bytes()),
            None => send(stream, "404 Not Found", "text/plain", b""),
        },
        [index, "files", file] => {
            send(stream, "200 OK", "application/octet-stream", &fs_err::read(root.join(index).join(file))?)
        }
        _ => send(stream, "404 Not Found", "text/plain", b""),
    }
}

fn links(folder: &Utf8Path, package: &str) -> Option<String> {
    let mut page = String::from("<!DOCTYPE html><html><body>");
    let mut is_empty = true;
    for entry in folder.read_dir_utf8().ok()? {
        let entry = entry.ok()?;
        let file = entry.file_name();
        if file.split('-').next()?.replace('_', "-") == package {
            is_empty = false;
            let mut digest = String::new();
            for byte in Sha256::digest(fs_err::read(entry.path()).ok()?) {
                write!(digest, "{byte:02x}").ok()?;
            }
            write!(page, "<a href=\"../../files/{file}#sha256={digest}\">{file}</a>").ok()?;
        }
    }
    (!is_empty).then_some(page)
}
