//! A proxy between a client and a server that fails now and then, as networks and busy servers do.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
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

/// A proxy on a port of 127.0.0.1; it ends with the test's process.
pub struct FaultProxy {
    port: u16,
    count: Arc<AtomicU32>,
}

impl FaultProxy {
    /// Starts it before a server.
    pub fn start(server: u16, faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let count = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&count);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let number = counted.fetch_add(1, Ordering::Relaxed) + 1;
                // A broken connection is what clients have to expect here.
                thread::spawn(move || answer(client, server, faults, number).ok());
            }
        });
        Self { port, count }
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
fn answer(mut client: TcpStream, server: u16, faults: Faults, number: u32) -> io::Result<()> {
    let due = |every: u32, offset: u32| every > 0 && number % every == offset % every;
    if due(faults.stall, 7) {
        // Until the client has had enough.
        io::copy(&mut client, &mut io::sink())?;
        return Ok(());
    }
    if due(faults.busy, 3) {
        head(&mut client)?;
        write!(
            client,
            "HTTP/1.1 503 Slow Down\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{BUSY}",
            BUSY.len()
        )?;
        client.shutdown(Shutdown::Write)?;
        io::copy(&mut client, &mut io::sink())?;
        return Ok(());
    }
    let mut upstream = TcpStream::connect(("127.0.0.1", server))?;
    let (mut from_client, mut to_server) = (client.try_clone()?, upstream.try_clone()?);
    thread::spawn(move || io::copy(&mut from_client, &mut to_server).ok());
    let answer = head(&mut upstream)?;
    let text = String::from_utf8_lossy(&answer).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    client.write_all(&answer)?;
    if due(faults.cut, 11) {
        io::copy(&mut Read::by_ref(&mut upstream).take(length.unwrap_or(0u64) / 2), &mut client)?;
    } else {
        io::copy(&mut upstream, &mut client)?;
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
