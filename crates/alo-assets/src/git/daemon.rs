//! Git over its own unencrypted protocol (`git://`): a connection that knows time limits and cancellation.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex};

use super::connected::Connection;
use super::context::{CONNECT_TIMEOUT, Context};
use super::incoming::Incoming;
use super::transport_error::TransportError;
use super::url::{DaemonAddress, Kind};

/// A connection to a git daemon.
pub(super) struct DaemonConnection {
    stream: TcpStream,
    incoming: Mutex<Incoming>,
}

impl Connection for DaemonConnection {
    fn open(context: &Arc<Context>) -> Result<Self, TransportError> {
        connect(context).map_err(|error| TransportError::Connection(Box::new(error)))
    }

    fn incoming(&self) -> &Mutex<Incoming> {
        &self.incoming
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.stream).write(bytes)
    }

    fn flush(&self) -> io::Result<()> {
        (&self.stream).flush()
    }
}

impl Drop for DaemonConnection {
    fn drop(&mut self) {
        // The other end may have closed it already. The thread that reads ends with it.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

fn connect(context: &Arc<Context>) -> io::Result<DaemonConnection> {
    let Kind::Daemon(address) = context.url.kind() else {
        return Err(io::Error::other("no address of a git daemon"));
    };
    let limit = CONNECT_TIMEOUT.min(context.stall);
    let mut outcome = Err(io::Error::new(io::ErrorKind::NotFound, "the host has no address"));
    for place in (address.host.as_str(), address.port).to_socket_addrs()? {
        outcome = TcpStream::connect_timeout(&place, limit);
        if outcome.is_ok() {
            break;
        }
    }
    let mut stream = outcome?;
    stream.set_write_timeout(Some(context.stall))?;
    stream.write_all(&request(address))?;
    let mut theirs = stream.try_clone()?;
    let incoming = Incoming::spawn(Arc::clone(context), move |out| out.copy_from(&mut theirs))?;
    Ok(DaemonConnection { stream, incoming: Mutex::new(incoming) })
}

/// The line that a conversation starts with: its length in four digits, what is wanted, and from which host.
fn request(address: &DaemonAddress) -> Vec<u8> {
    let text = format!("git-upload-pack {}\0host={}\0", address.path, address.shown_host());
    format!("{:04x}{text}", text.len() + 4).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::GitUrl;

    #[test]
    fn the_first_line_names_path_and_host() {
        let line = |text: &str| {
            let url = GitUrl::parse(text, "/".into()).unwrap();
            let Kind::Daemon(address) = url.kind() else { panic!("no daemon") };
            String::from_utf8(request(address)).unwrap()
        };
        assert_eq!(line("git://h/a%20b.git"), "0024git-upload-pack /a b.git\0host=h\0");
        assert!(line("git://[::1]:99/a").ends_with("/a\0host=[::1]:99\0"));
    }
}
