//! Protocols that keep one connection for a whole conversation: what libgit2 sees of them.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream};

use super::context::Context;
use super::incoming::Incoming;
use super::transport_error::TransportError;

/// A connection to a server. Dropped, it ends.
pub(super) trait Connection: Send + Sync + Sized + 'static {
    /// Connects to the server of `context` and asks for its repository.
    fn open(context: &Arc<Context>) -> Result<Self, TransportError>;

    /// What the server says.
    fn incoming(&self) -> &Mutex<Incoming>;

    /// Says these bytes to the server, or the first of them.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Sends what has been said on its way.
    fn flush(&self) -> io::Result<()>;
}

/// One connection, for as long as libgit2 keeps it.
pub(super) struct ConnectedTransport<C> {
    context: Arc<Context>,
    connection: Mutex<Option<Arc<C>>>,
}

impl<C> ConnectedTransport<C> {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context, connection: Mutex::new(None) }
    }
}

impl<C: Connection> SmartSubtransport for ConnectedTransport<C> {
    fn action(&self, _url: &str, service: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        if matches!(service, Service::ReceivePackLs | Service::ReceivePack) {
            return Err(git2::Error::from_str("alo never pushes"));
        }
        let mut slot = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match &*slot {
            Some(connection) => Arc::clone(connection),
            None => match C::open(&self.context) {
                Ok(connection) => Arc::clone(slot.insert(Arc::new(connection))),
                Err(error) => {
                    let shown = git2::Error::from_str(&error.to_string());
                    self.context.fail(error);
                    return Err(shown);
                }
            },
        };
        Ok(Box::new(ConnectedStream(connection)))
    }

    fn close(&self) -> Result<(), git2::Error> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(())
    }
}

struct ConnectedStream<C>(Arc<C>);

impl<C: Connection> Read for ConnectedStream<C> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.incoming().lock().unwrap_or_else(PoisonError::into_inner).read(buffer)
    }
}

impl<C: Connection> Write for ConnectedStream<C> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
