//! A real web server that knows nothing of git: Python's own, over a folder.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use camino::Utf8Path;

use crate::bench::real_python;

/// A running server. It ends when this is dropped.
pub(crate) struct PlainServer {
    child: Child,
    port: u16,
}

impl PlainServer {
    pub(crate) fn start(root: &Utf8Path) -> Self {
        let mut child = Command::new(real_python())
            .args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", root.as_str(), "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        // `Serving HTTP on 127.0.0.1 port 41235 (…`
        let port =
            line.split(" port ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().parse().unwrap();
        Self { child, port }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }
}

impl Drop for PlainServer {
    fn drop(&mut self) {
        // It has ended already if these fail.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
