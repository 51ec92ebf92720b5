//! A proxy between a client and a server that fails now and then, as networks and busy servers do.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

const BUSY: &str =
    "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>";

/// How often what goes wrong: every n-th request; 0 is never.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// Answered with 503.
    pub busy: u32,
    /// Never answered.
    pub stall: u32,
    /// Cut off in the middle of the answer's body.
    pub cut: u32,
}

/// Requests that come no further.
#[derive(Debug, Default)]
struct Hold {
    /// Of which method; none is held while there is none.
    method: Option<&'static str>,
    /// How many of them pass before.
    pass: u32,
    /// How many have been held.
    held: u32,
}

impl Hold {
    /// Whether a request is held.
    fn takes(&mut self, request: &[u8]) -> bool {
        if !self.method.is_some_and(|method| request.starts_with(method.as_bytes())) {
            return false;
        }
        let is_held = self.pass == 0;
        self.pass = self.pass.saturating_sub(1);
        self.held += u32::from(is_held);
        is_held
    }
}

/// A proxy on a port of 127.0.0.1; it ends with the test's process.
pub struct FaultProxy {
    port: u16,
    count: Arc<AtomicU32>,
    hold: Arc<Mutex<Hold>>,
}

impl FaultProxy {
    /// Starts it before a server.
    pub fn start(server: u16, faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let count = Arc::new(AtomicU32::new(0));
        let hold = Arc::new(Mutex::new(Hold::default()));
        let (counted, holding) = (Arc::clone(&count), Arc::clone(&hold));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let number = counted.fetch_add(1, Ordering::Relaxed) + 1;
                // A broken connection is what clients have to expect here.
                let hold = Arc::clone(&holding);
                thread::spawn(move || answer(client, server, faults, number, &hold).ok());
            }
        });
        Self { port, count, hold }
    }

    /// Lets so many more requests of a method pass. Each one after them is held, until the client gives up: a GET in the
    /// middle of its answer, others before the server sees them.
    pub fn hold(&self, method: &'static str, pass: u32) {
        *self.hold.lock().expect("no panic") = Hold { method: Some(method), pass, held: 0 };
    }

    /// How many requests have been held since [`Self::hold`].
    pub fn held(&self) -> u32 {
        self.hold.lock().expect("no panic").held
    }

    /// Lets everything pass that comes from now on.
    pub fn release(&self) {
        *self.hold.lock().expect("no panic") = Hold::default();
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many requests have come.
    pub fn requests(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }
}

/// Answers one request; the server closes the connection after each.
fn answer(
    mut client: TcpStream,
    server: u16,
    faults: Faults,
    number: u32,
    hold: &Mutex<Hold>,
) -> io::Result<()> {
    let due = |every: u32, offset: u32| every > 0 && number % every == offset % every;
    if due(faults.stall, 7) {
        // Until the client has had enough.
        io::copy(&mut client, &mut io::sink())?;
        return Ok(());
    }
    let request = head(&mut client)?;
    if due(faults.busy, 3) {
        write!(
            client,
            "HTTP/1.1 503 Slow Down\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{BUSY}",
            BUSY.len()
        )?;
        client.shutdown(Shutdown::Write)?;
        io::copy(&mut client, &mut io::sink())?;
        return Ok(());
    }
    let is_held = hold.lock().expect("no panic").takes(&request);
    if is_held && !request.starts_with(b"GET") {
        io::copy(&mut client, &mut io::sink())?;
        return Ok(());
    }
    let mut upstream = TcpStream::connect(("127.0.0.1", server))?;
    upstream.write_all(&request)?;
    let (mut from_client, mut to_server) = (client.try_clone()?, upstream.try_clone()?);
    let sending = thread::spawn(move || io::copy(&mut from_client, &mut to_server).ok());
    let answer = head(&mut upstream)?;
    let text = String::from_utf8_lossy(&answer).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    client.write_all(&answer)?;
    if is_held || due(faults.cut, 11) {
        io::copy(&mut Read::by_ref(&mut upstream).take(length.unwrap_or(0u64) / 2), &mut client)?;
    } else {
        io::copy(&mut upstream, &mut client)?;
    }
    if is_held {
        // It ends when the client is gone.
        sending.join().ok();
    }
    client.shutdown(Shutdown::Both)?;
    upstream.shutdown(Shutdown::Both)
}

/// Reads the head of a message, up to its empty line.
fn head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(head)
}
