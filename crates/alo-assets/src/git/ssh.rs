//! Git over ssh: a connection through the user's own `ssh`, with its keys, agent and configuration.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use super::connected::Connection;
use super::context::{CONNECT_TIMEOUT, Context};
use super::incoming::Incoming;
use super::transport_error::TransportError;
use super::unsupported::Unsupported;
use super::url::{Kind, SshAddress};

/// What `ssh` says when it is wrong, cut at this many bytes.
const COMPLAINT_LIMIT: u64 = 8 * 1024;

/// A process of the user's `ssh` that talks to a server.
pub(super) struct SshConnection {
    child: Mutex<Child>,
    stdin: Mutex<Option<ChildStdin>>,
    incoming: Mutex<Incoming>,
}

impl Connection for SshConnection {
    fn open(context: &Arc<Context>) -> Result<Self, TransportError> {
        connect(context)
    }

    fn incoming(&self) -> &Mutex<Incoming> {
        &self.incoming
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match &mut *self.stdin.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(stdin) => stdin.write(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&self) -> io::Result<()> {
        match &mut *self.stdin.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(stdin) => stdin.flush(),
            None => Ok(()),
        }
    }
}

impl Drop for SshConnection {
    fn drop(&mut self) {
        self.stdin.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        // It has ended already if these fail.
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn connect(context: &Arc<Context>) -> Result<SshConnection, TransportError> {
    let Kind::Ssh(address) = context.url.kind() else {
        return Err(TransportError::Ssh("no ssh address".to_owned()));
    };
    let command = command(context)?;
    let (program, options) =
        command.split_first().ok_or_else(|| TransportError::Ssh("no ssh command".to_owned()))?;
    let failed = |error: io::Error| {
        TransportError::Ssh(format!("`{}` cannot be started: {error}", program.to_string_lossy()))
    };
    // A group of its own keeps a Ctrl-C of the terminal for us. Should we be killed, its stdin closes and it ends.
    let mut child = Command::new(program)
        .args(options)
        .args(arguments(program, address))
        .env_clear()
        .envs(&context.variables)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    let stdin = child.stdin.take();
    let (Some(mut stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(TransportError::Ssh("its output cannot be read".to_owned()));
    };
    let said = std::thread::Builder::new().name("ssh-stderr".to_owned()).spawn(move || {
        let mut text = Vec::new();
        let mut stderr = stderr;
        // What cannot be read is missing from the message, no more.
        let _ = (&mut stderr).take(COMPLAINT_LIMIT).read_to_end(&mut text);
        let _ = io::copy(&mut stderr, &mut io::sink());
        String::from_utf8_lossy(&text).trim().to_owned()
    });
    let said = said.map_err(failed)?;
    let incoming = Incoming::spawn(Arc::clone(context), move |out| {
        let mut counted = Counted { source: &mut stdout, count: 0 };
        out.copy_from(&mut counted)?;
        let said = said.join().unwrap_or_default();
        // A server that refuses us says so before it has sent a single byte.
        if counted.count > 0 {
            return Ok(());
        }
        let silent = "ssh ended without a word";
        Err(TransportError::told_by(if said.is_empty() { silent } else { &said }, TransportError::Ssh))
    })
    .map_err(failed)?;
    Ok(SshConnection { child: Mutex::new(child), stdin: Mutex::new(stdin), incoming: Mutex::new(incoming) })
}

/// The words of the command that takes the place of `ssh`: the user's variables and configuration decide, as for git.
fn command(context: &Context) -> Result<Vec<OsString>, TransportError> {
    let written = context.variable("GIT_SSH_COMMAND").map(|text| ("GIT_SSH_COMMAND", text));
    let program = context.variables.get(OsStr::new("GIT_SSH")).filter(|program| !program.is_empty());
    let written = match (written, program) {
        (None, Some(program)) => return Ok(vec![program.clone()]),
        (written, _) => written.or_else(|| Some(("core.sshCommand", context.config.get("core.sshcommand")?))),
    };
    let Some((name, text)) = written else {
        return Ok(if context.ssh.is_empty() { vec!["ssh".into()] } else { context.ssh.clone() });
    };
    // What only a shell understands is left to the git program, which starts one.
    match shlex::split(text) {
        Some(words)
            if !words.is_empty() && !text.contains(['$', '`', '|', ';', '&', '<', '>', '(', '*', '~']) =>
        {
            Ok(words.into_iter().map(Into::into).collect())
        }
        _ => Err(Unsupported::Shell(name).into()),
    }
}

struct Counted<'a> {
    source: &'a mut dyn Read,
    count: usize,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.count += count;
        Ok(count)
    }
}

/// Options of OpenSSH are for OpenSSH alone; any other program gets the port, as git does with "simple" ones.
fn arguments(program: &OsStr, address: &SshAddress) -> Vec<OsString> {
    let name = std::path::Path::new(program).file_name().unwrap_or(program).to_string_lossy();
    let mut arguments: Vec<OsString> = Vec::new();
    if name == "ssh" || name.starts_with("ssh-") {
        // Nobody is there to type a passphrase or to confirm a host key.
        let timeout = format!("ConnectTimeout={}", CONNECT_TIMEOUT.as_secs());
        for option in ["BatchMode=yes", &timeout, "ServerAliveInterval=15", "ServerAliveCountMax=3"] {
            arguments.extend(["-o".into(), option.into()]);
        }
    }
    if let Some(port) = address.port {
        arguments.extend(["-p".into(), port.to_string().into()]);
    }
    let user = address.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
    arguments.push(format!("{user}{}", address.host).into());
    arguments.push(format!("git-upload-pack {}", quote(&address.path)).into());
    arguments
}

/// Quotes a path for the shell of the server.
fn quote(path: &str) -> String {
    let home = if path.starts_with('~') { path.find('/').unwrap_or(path.len()) } else { 0 };
    let (home, path) = path.split_at(home);
    let is_plain =
        home.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'~' | b'-' | b'_' | b'.'));
    if is_plain {
        format!("{home}'{}'", path.replace('\'', r"'\''"))
    } else {
        format!("'{}'", format!("{home}{path}").replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::GitUrl;

    fn arguments_for(program: &str, url: &str) -> Vec<String> {
        let url = GitUrl::parse(url, "/".into()).unwrap();
        let Kind::Ssh(address) = url.kind() else { panic!("no ssh address") };
        let arguments = arguments(OsStr::new(program), address);
        arguments.into_iter().map(|argument| argument.into_string().unwrap()).collect()
    }

    #[test]
    fn the_program_gets_a_vector_and_the_server_a_quoted_path() {
        assert_eq!(
            arguments_for("/opt/plink", "ssh://git@host:2222/it's/a b.git"),
            ["-p", "2222", "git@host", r"git-upload-pack '/it'\''s/a b.git'"]
        );
        let openssh = arguments_for("/usr/bin/ssh", "git@host:a.git");
        assert_eq!(openssh[..2], ["-o", "BatchMode=yes"]);
        assert_eq!(openssh[openssh.len() - 2..], ["git@host", "git-upload-pack 'a.git'"]);
    }

    #[test]
    fn a_home_folder_stays_outside_the_quotes_unless_it_is_odd() {
        assert_eq!(quote("~me/a"), "~me'/a'");
        assert_eq!(quote("~$(x)/a"), "'~$(x)/a'");
    }
}
