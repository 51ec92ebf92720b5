//! A uv of alo's own: one version, fetched once as a wheel from the user's index, used only if its hash is the one known here.

use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use ureq::config::RedirectAuthHeaders;
use url::Url;

use super::pip_settings::PipSettings;
use crate::cache::{CacheUse, Place};
use crate::digest::{self, hexadecimal};
use crate::http_agent::HttpSettings;
use crate::interpreter::Look;
use crate::key_lock::KeyLock;
use crate::{Machine, SetupEvent, redact};

/// Version, wheels and hashes.
const KNOWN: &str = include_str!("pinned_uv.txt");
const INDEX: &str = "https://pypi.org/simple";
/// What an index is asked for: its answers as JSON (PEP 691), else as HTML (PEP 503).
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, text/html;q=0.5";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// For one answer in all: 20 MB arrive in that time over any line that is worth it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(50);
/// The page of an index with all versions of uv has some megabytes.
const PAGE_LIMIT: u64 = 64 << 20;
const WHEEL_LIMIT: u64 = 128 << 20;
/// The program itself, unpacked.
const PROGRAM_LIMIT: u64 = 512 << 20;

/// The program's name in its folder, and the mark that it is whole.
pub(super) const PROGRAM: &str = "uv";

/// Holds the program's SHA-256, hexadecimal: tells one that is damaged from one that cannot run here.
const DIGEST: &str = "uv.sha256";

/// Why there is no uv of alo's own. A sentence for people: pip works instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NoUv(String);

/// The wheel for this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wheel {
    /// Its version.
    pub(crate) version: String,
    /// Its file name.
    pub(crate) file: String,
    /// Its SHA-256, hexadecimal.
    pub(crate) sha256: String,
}

impl Wheel {
    /// The wheel of the version known here, if there is one for this kind of machine.
    pub(crate) fn for_this_machine() -> Option<Self> {
        // The dynamic loader tells the C library of the machine, whichever alo itself was built with.
        let is_gnu = Utf8Path::new("/lib64/ld-linux-x86-64.so.2").exists();
        let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
            ("linux", "x86_64") if is_gnu => "linux-x86_64-gnu",
            ("linux", "x86_64") => "linux-x86_64-musl",
            ("linux", "aarch64") => "linux-aarch64",
            ("macos", "x86_64") => "macos-x86_64",
            ("macos", "aarch64") => "macos-aarch64",
            _ => return None,
        };
        let version = KNOWN.lines().find_map(|line| line.strip_prefix("version "))?;
        let (file, sha256) =
            KNOWN.lines().find_map(|line| line.strip_prefix(platform)?.trim().split_once(' '))?;
        Some(Self { version: version.to_owned(), file: file.to_owned(), sha256: sha256.to_owned() })
    }
}

/// The program of that wheel in the cache, fetched if it is not there, and what keeps it there.
pub(crate) fn program(
    machine: &Machine,
    wheel: &Wheel,
    offline: bool,
    cancelled: &dyn Fn() -> bool,
    observer: &mut dyn FnMut(SetupEvent),
) -> Result<(Utf8PathBuf, CacheUse), NoUv> {
    program_but(None, machine, wheel, offline, cancelled, observer)
}

/// The program of that wheel, fetched again, if the one at `program`, which does not run, is not what was put there; `None` if it
/// is: then this machine cannot run it.
pub(crate) fn repaired(
    program: &Utf8Path,
    machine: &Machine,
    wheel: &Wheel,
    offline: bool,
    cancelled: &dyn Fn() -> bool,
    observer: &mut dyn FnMut(SetupEvent),
) -> Result<Option<(Utf8PathBuf, CacheUse)>, NoUv> {
    let damaged = Look::at(program).ok();
    let kept = fs_err::read_to_string(program.with_file_name(DIGEST)).ok();
    if kept.is_some() && digest::of_file(program).ok() == kept {
        return Ok(None);
    }
    observer(SetupEvent::Warning { message: format!("`{program}` is damaged: another one is needed") });
    program_but(damaged, machine, wheel, offline, cancelled, observer).map(Some)
}

fn program_but(
    damaged: Option<Look>,
    machine: &Machine,
    wheel: &Wheel,
    offline: bool,
    cancelled: &dyn Fn() -> bool,
    observer: &mut dyn FnMut(SetupEvent),
) -> Result<(Utf8PathBuf, CacheUse), NoUv> {
    let place = Place::Tool { name: format!("uv-{}", wheel.version) };
    let folder = place.folder(&machine.cache);
    let program = folder.join(PROGRAM);
    let in_use = CacheUse::begin(&machine.cache, &place).map_err(|error| NoUv(error.to_string()))?;
    // Another process may have put a whole one there.
    let is_there = || program.is_file() && (damaged.is_none() || Look::at(&program).ok() != damaged);
    if is_there() {
        return Ok((program, in_use));
    }
    if offline {
        return Err(NoUv("it would have to be fetched, and `--offline` forbids it".to_owned()));
    }
    if let Some(name) = forbidding(machine) {
        return Err(NoUv(format!("it would have to be fetched, and `{name}` forbids it")));
    }
    let lock = KeyLock::acquire(&machine.cache, &place.maker_lock(), cancelled);
    let _lock = lock.map_err(|error| NoUv(error.to_string()))?;
    if is_there() {
        return Ok((program, in_use));
    }
    observer(SetupEvent::FetchingInstaller { installer: format!("uv {}", wheel.version) });
    let failed = |error: io::Error| NoUv(format!("it could not be kept in the cache: {error}"));
    let bytes = download(machine, wheel, cancelled)?;
    let found = hexadecimal(&Sha256::digest(&bytes));
    if found != wheel.sha256 {
        return Err(NoUv(format!(
            "what the index has as `{}` is not what it should be: its SHA-256 is {found} instead of {}",
            wheel.file, wheel.sha256
        )));
    }
    unpack(&bytes, wheel, &folder).map_err(failed)?;
    Ok((program, in_use))
}

/// The variable by which the user forbids to ask an index, if one is set.
fn forbidding(machine: &Machine) -> Option<&'static str> {
    let is_on = |name: &&str| {
        let value = machine.variable(name);
        value.is_some_and(|value| !matches!(value.to_lowercase().as_str(), "0" | "false" | "no" | "off"))
    };
    ["PIP_NO_INDEX", "UV_NO_INDEX", "UV_OFFLINE"].iter().find(|name| is_on(name)).copied()
}

/// Puts the program of the wheel into `folder`, which appears whole or not at all.
fn unpack(bytes: &[u8], wheel: &Wheel, folder: &Utf8Path) -> io::Result<()> {
    let parent = folder.parent().unwrap_or(folder);
    fs_err::create_dir_all(parent)?;
    let prefix = format!(".unpacking-{}-", folder.file_name().unwrap_or_default());
    let aside = tempfile::Builder::new().prefix(&prefix).tempdir_in(parent)?;
    let mut archive = zip::ZipArchive::new(io::Cursor::new(bytes)).map_err(io::Error::other)?;
    let member = format!("uv-{}.data/scripts/uv", wheel.version);
    let member = archive.by_name(&member).map_err(io::Error::other)?;
    let path = aside.path().join(PROGRAM);
    let mut file = fs_err::File::create(&path)?;
    let written = io::copy(&mut member.take(PROGRAM_LIMIT), &mut file)?;
    if written == PROGRAM_LIMIT {
        return Err(io::Error::other("its program is larger than any uv"));
    }
    file.sync_all()?;
    drop(file);
    fs_err::set_permissions(&path, PermissionsExt::from_mode(0o755))?;
    let program = Utf8Path::from_path(&path).ok_or(io::ErrorKind::InvalidData)?;
    fs_err::write(program.with_file_name(DIGEST), digest::of_file(program)?)?;
    fs_err::set_permissions(aside.path(), PermissionsExt::from_mode(0o755))?;
    if folder.exists() {
        fs_err::remove_dir_all(folder)?;
    }
    fs_err::rename(aside.path(), folder)
}

/// The bytes of the wheel, from the index that the user's settings name.
fn download(machine: &Machine, wheel: &Wheel, cancelled: &dyn Fn() -> bool) -> Result<Vec<u8>, NoUv> {
    let settings = PipSettings::read(machine);
    let index = ["UV_DEFAULT_INDEX", "UV_INDEX_URL"].iter().find_map(|name| machine.variable(name));
    let index = index.or_else(|| settings.value("index-url")).unwrap_or(INDEX);
    // uv's variable may give an index a name: `name=https://…`.
    let index = index.split_once("=http").map_or(index, |(name, _)| &index[name.len() + 1..]);
    let (machine, wheel, index) = (machine.clone(), wheel.clone(), index.to_owned());
    let (sender, receiver) = channel();
    // A thread of its own, so that a run that is cancelled does not wait for a server.
    let thread = std::thread::Builder::new().name("uv-download".to_owned());
    let work = move || drop(sender.send(fetch(&machine, &wheel, &index)));
    thread.spawn(work).map_err(|error| NoUv(error.to_string()))?;
    loop {
        match receiver.recv_timeout(POLL) {
            Ok(fetched) => return fetched.map_err(|said| NoUv(redact(&said))),
            Err(RecvTimeoutError::Timeout) if cancelled() => return Err(NoUv("cancelled".to_owned())),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(NoUv("its download ended early".to_owned())),
        }
    }
}

fn fetch(machine: &Machine, wheel: &Wheel, index: &str) -> Result<Vec<u8>, String> {
    let page = Url::parse(&format!("{}/uv/", index.trim_end_matches('/')))
        .map_err(|error| format!("the index `{index}` has no proper address: {error}"))?;
    let answer = get(machine, &page, ACCEPT, PAGE_LIMIT)?;
    let link = if answer.kind.contains("json") {
        json_link(&answer.body, wheel)
    } else {
        html_link(&answer.body, wheel)
    };
    let link = link.ok_or_else(|| format!("the index has no `{}`", wheel.file))?;
    let mut address =
        answer.address.join(&link).map_err(|error| format!("`{link}` is no address: {error}"))?;
    if address.host_str() == page.host_str() && address.username().is_empty() {
        // The credentials of the index are for its files, too. Both can be set: the host is the same.
        let _ = address.set_username(page.username());
        let _ = address.set_password(page.password());
    }
    get(machine, &address, "*/*", WHEEL_LIMIT).map(|answer| answer.body)
}

/// What a server has answered.
struct Answer {
    address: Url,
    kind: String,
    body: Vec<u8>,
}

fn get(machine: &Machine, address: &Url, accept: &str, limit: u64) -> Result<Answer, String> {
    let host = address.host_str().unwrap_or_default().to_owned();
    let failed = |error: &dyn std::fmt::Display| format!("`{host}` cannot be reached: {error}");
    let certificates = ["PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"];
    let variable = |name: &str| machine.variable(name);
    let settings = HttpSettings {
        variable: &variable,
        certificates: certificates.iter().find_map(|name| variable(name)),
        is_unchecked: false,
        proxy: None,
        redirect_auth: RedirectAuthHeaders::SameHost,
        connect: CONNECT_TIMEOUT,
        user_agent: "alo",
    };
    let request = settings.agent(address.as_str()).get(address.as_str()).header("accept", accept);
    let mut response = request
        .config()
        .timeout_global(Some(ANSWER_TIMEOUT))
        .build()
        .call()
        .map_err(|error| failed(&error))?;
    if response.status().as_u16() != 200 {
        return Err(format!("`{host}` answers with HTTP status {}", response.status()));
    }
    let kind = response
        .headers()
        .get("content-type")
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let found = ureq::ResponseExt::get_uri(&response).to_string();
    let mut body = Vec::new();
    let mut reader = response.body_mut().with_config().limit(limit).reader();
    reader.read_to_end(&mut body).map_err(|error| failed(&error))?;
    // Where it was redirected to is what links are relative to.
    Ok(Answer { address: Url::parse(&found).unwrap_or_else(|_| address.clone()), kind, body })
}

#[derive(Deserialize)]
struct Page {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    filename: String,
    url: String,
}

fn json_link(body: &[u8], wheel: &Wheel) -> Option<String> {
    let page: Page = serde_json::from_slice(body).ok()?;
    page.files.into_iter().find(|file| file.filename == wheel.file).map(|file| file.url)
}

/// The `href` of the wheel: the page is a list of links, as PEP 503 says.
fn html_link(body: &[u8], wheel: &Wheel) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    text.split("href=").skip(1).find_map(|rest| {
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let link = rest.get(1..)?.split(quote).next()?;
        let path = link.split(['#', '?']).next()?;
        (path.rsplit('/').next() == Some(&wheel.file)).then(|| link.replace("&amp;", "&"))
    })
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A wheel whose program says that it is uv.
    fn wheel() -> (Wheel, Vec<u8>) {
        let mut archive = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        archive.start_file("uv-1.2.data/scripts/uv", zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(b"#!/bin/sh\necho uv 1.2\n").unwrap();
        let bytes = archive.finish().unwrap().into_inner();
        let sha256 = hexadecimal(&Sha256::digest(&bytes));
        (Wheel { version: "1.2".into(), file: "uv-1.2-py3-none-any.whl".into(), sha256 }, bytes)
    }

    /// An index that serves this wheel by a page of HTML, to those who know its password. Counts what it is asked.
    fn index(wheel: &[u8]) -> (String, Arc<AtomicUsize>) {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://me:s3cret@{}/simple", server.local_addr().unwrap());
        let (wheel, asked) = (wheel.to_vec(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in server.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let request = lines.next().unwrap_or_default();
                let rest: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
                count.fetch_add(1, Ordering::SeqCst);
                let page = b"<!DOCTYPE html><a href=\"../files/uv-1.2-py3-none-any.whl#sha256=0\">uv</a>";
                let is_known = rest.iter().any(|line| line == "authorization: Basic bWU6czNjcmV0");
                let (status, body) = match request.split(' ').nth(1) {
                    _ if !is_known => ("401 Unauthorized", &b""[..]),
                    Some("/simple/uv/") => ("200 OK", &page[..]),
                    Some("/simple/files/uv-1.2-py3-none-any.whl") => ("200 OK", &wheel[..]),
                    _ => ("404 Not Found", &b""[..]),
                };
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                stream.write_all(head.as_bytes()).unwrap();
                stream.write_all(body).unwrap();
            }
        });
        (address, asked)
    }

    fn machine(index: &str) -> (tempfile::TempDir, Machine) {
        let cache = tempfile::tempdir().unwrap();
        let folder = Utf8PathBuf::try_from(cache.path().to_owned()).unwrap();
        (cache, Machine::new(folder, [("PIP_INDEX_URL".into(), index.into())]))
    }

    #[test]
    fn the_wheel_of_an_index_is_kept_if_its_hash_is_right() {
        let (wheel, bytes) = wheel();
        let (address, asked) = index(&bytes);
        let (_cache, machine) = machine(&address);
        let mut events = Vec::new();
        let found = program(&machine, &wheel, false, &|| false, &mut |event| events.push(event)).unwrap().0;
        assert_eq!(found, machine.cache.join("tools/uv-1.2/uv"));
        assert_eq!(events, [SetupEvent::FetchingInstaller { installer: "uv 1.2".into() }]);
        let said = std::process::Command::new(&found).output().unwrap().stdout;
        assert_eq!(said, b"uv 1.2\n");
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        // It is there now: nobody is asked again, not even offline.
        program(&machine, &wheel, true, &|| false, &mut |_| {}).unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_damaged_program_is_fetched_again_and_one_that_is_whole_is_not() {
        let (wheel, bytes) = wheel();
        let (address, asked) = index(&bytes);
        let (_cache, machine) = machine(&address);
        let fetched = |offline| program(&machine, &wheel, offline, &|| false, &mut |_| {}).unwrap().0;
        let found = fetched(false);
        let repaired = |offline| repaired(&found, &machine, &wheel, offline, &|| false, &mut |_| {});
        assert!(repaired(false).unwrap().is_none());
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        let whole = fs_err::read(&found).unwrap();
        fs_err::write(&found, &whole[..9]).unwrap();
        assert!(repaired(true).unwrap_err().to_string().contains("`--offline` forbids it"));
        assert!(repaired(false).unwrap().is_some());
        assert_eq!(asked.load(Ordering::SeqCst), 4);
        assert_eq!(fs_err::read(&found).unwrap(), whole);
        assert_eq!(fetched(true), found);
    }

    #[test]
    fn another_wheel_than_the_known_one_is_refused_and_leaves_nothing() {
        let (wheel, bytes) = wheel();
        let (address, _) = index(&[&bytes[..], b"x"].concat());
        let (_cache, machine) = machine(&address);
        let no = program(&machine, &wheel, false, &|| false, &mut |_| {}).unwrap_err().to_string();
        assert!(no.contains("is not what it should be") && no.contains(&wheel.sha256), "{no}");
        assert!(!machine.cache.join("tools/uv-1.2").exists());
    }

    #[test]
    fn what_keeps_it_from_being_fetched_is_said_without_credentials() {
        let (wheel, bytes) = wheel();
        let (address, _) = index(&bytes);
        let said = |machine: &Machine, wheel: &Wheel, offline| {
            program(machine, wheel, offline, &|| false, &mut |_| {}).unwrap_err().to_string()
        };
        let (_cache, mut open) = machine(&address);
        assert!(said(&open, &wheel, true).contains("`--offline` forbids it"));
        open.variables.insert("PIP_NO_INDEX".into(), "1".into());
        assert!(said(&open, &wheel, false).contains("`PIP_NO_INDEX` forbids it"));
        let (_cache, wrong) = machine(&address.replace("s3cret", "guess"));
        let no = said(&wrong, &wheel, false);
        assert!(no.contains("HTTP status 401") && !no.contains("guess"), "{no}");
        let other = Wheel { file: "uv-9-py3-none-any.whl".into(), version: "9".into(), ..wheel };
        let (_cache, right) = machine(&address);
        assert!(said(&right, &other, false).contains("the index has no `uv-9-py3-none-any.whl`"));
        let (_cache, gone) = machine("http://127.0.0.1:9/simple");
        assert!(said(&gone, &other, false).contains("`127.0.0.1` cannot be reached"));
    }

    #[test]
    fn every_platform_has_a_wheel_of_the_version_and_a_hash() {
        let version = KNOWN.lines().find_map(|line| line.strip_prefix("version ")).unwrap();
        let wheels: Vec<_> = KNOWN
            .lines()
            .filter(|line| line.starts_with("linux") || line.starts_with("macos"))
            .map(|line| line.split(' ').collect::<Vec<_>>())
            .collect();
        assert_eq!(wheels.len(), 5);
        for wheel in wheels {
            assert!(wheel[1].starts_with(&format!("uv-{version}-py3-none-")), "{wheel:?}");
            assert!(
                wheel[2].len() == 64 && wheel[2].chars().all(|digit| digit.is_ascii_hexdigit()),
                "{wheel:?}"
            );
        }
    }

    #[test]
    fn links_are_found_in_both_kinds_of_pages() {
        let wheel = Wheel { version: "1".into(), file: "uv-1-a.whl".into(), sha256: String::new() };
        let html =
            b"<a href=\"../x/uv-1-b.whl#sha256=0\">b</a><a data-x='' href='../x/uv-1-a.whl#sha256=1'>a</a>";
        assert_eq!(html_link(html, &wheel).as_deref(), Some("../x/uv-1-a.whl#sha256=1"));
        let json = br#"{"meta":{},"files":[{"filename":"uv-1-a.whl","url":"https://h/a","hashes":{}}]}"#;
        assert_eq!(json_link(json, &wheel).as_deref(), Some("https://h/a"));
        assert_eq!(html_link(b"<a href=uv-1-a.whl>", &wheel), None);
    }
}
