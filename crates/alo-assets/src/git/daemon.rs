//! Git over its own unencrypted protocol (`git://`): a subtransport for libgit2 that knows time limits and cancellation.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream};

use super::context::{CONNECT_TIMEOUT, Context, TransportError};
use super::incoming::Incoming;
use super::url::{DaemonAddress, Kind};

/// One connection, for as long as libgit2 keeps it.
pub(super) struct DaemonTransport {
    context: Arc<Context>,
    connection: Mutex<Option<Arc<Connection>>>,
}

struct Connection {
    stream: TcpStream,
    incoming: Mutex<Incoming>,
}

impl DaemonTransport {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context, connection: Mutex::new(None) }
    }
}

impl SmartSubtransport for DaemonTransport {
    fn action(&self, _url: &str, service: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        if matches!(service, Service::ReceivePackLs | Service::ReceivePack) {
            return Err(git2::Error::from_str("alo never pushes"));
        }
        let mut slot = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match &*slot {
            Some(connection) => Arc::clone(connection),
            None => match connect(&self.context) {
                Ok(connection) => Arc::clone(slot.insert(Arc::new(connection))),
                Err(error) => {
                    let error = TransportError::Connection(Box::new(error));
                    let shown = git2::Error::from_str(&error.to_string());
                    self.context.fail(error);
                    return Err(shown);
                }
            },
        };
        Ok(Box::new(DaemonStream(connection)))
    }

    fn close(&self) -> Result<(), git2::Error> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The other end may have closed it already. The thread that reads ends with it.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

struct DaemonStream(Arc<Connection>);

impl Read for DaemonStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.incoming.lock().unwrap_or_else(PoisonError::into_inner).read(buffer)
    }
}

impl Write for DaemonStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&self.0.stream).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&self.0.stream).flush()
    }
}

fn connect(context: &Arc<Context>) -> io::Result<Connection> {
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
    Ok(Connection { stream, incoming: Mutex::new(incoming) })
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
