//! A real S3 server for the tests: moto from PyPI, installed once into the tests' cache.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value as Json, json};

const PACKAGE: &str = "moto[s3,server]==5.2.5";

/// A running server, which ends with the test: also with one that dies, for then its input ends.
pub struct S3Server {
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    port: u16,
}

impl S3Server {
    /// Starts a server without buckets on a free port.
    pub fn start() -> Self {
        let python = python();
        let script = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/s3_server.py");
        let mut process = Command::new(python)
            .arg(script)
            .env_remove("AWS_PROFILE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let commands = process.stdin.take().expect("its input");
        let mut answers = BufReader::new(process.stdout.take().expect("its output"));
        let mut line = String::new();
        answers.read_line(&mut line).expect("its port");
        let port = line.trim().parse().expect("a port");
        Self { process, commands, answers, port }
    }

    /// The port of 127.0.0.1 on which it answers.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The variables that lead a program to it.
    pub fn variables(&self) -> Vec<(String, String)> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            pair("AWS_ENDPOINT_URL", &self.url()),
            pair("AWS_ACCESS_KEY_ID", "testing"),
            pair("AWS_SECRET_ACCESS_KEY", "s3cr3t-testing"),
            pair("AWS_REGION", "us-east-1"),
        ]
    }

    /// Obeys a command of the script, without a request.
    #[track_caller]
    pub fn tell(&mut self, command: &Json) -> Json {
        writeln!(self.commands, "{command}").expect("the server listens");
        self.commands.flush().expect("the server listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        serde_json::from_str(&line).expect("a JSON answer")
    }

    /// Makes a bucket.
    pub fn bucket(&mut self, name: &str) {
        self.tell(&json!({"do": "bucket", "name": name}));
    }

    /// Stores a text.
    pub fn put(&mut self, bucket: &str, key: &str, text: &str) {
        self.tell(&json!({"do": "put", "bucket": bucket, "key": key, "text": text}));
    }

    /// Stores an object of a size, gives the SHA-256 of its content.
    pub fn put_large(&mut self, bucket: &str, key: &str, size: u64) -> String {
        let digest = self.tell(&json!({"do": "put", "bucket": bucket, "key": key, "size": size}));
        digest.as_str().expect("a digest").to_owned()
    }

    /// All keys of a bucket, sorted.
    pub fn keys(&mut self, bucket: &str) -> Vec<String> {
        let keys = self.tell(&json!({"do": "keys", "bucket": bucket}));
        serde_json::from_value(keys).expect("a list of keys")
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A Python that has moto; the first test that asks installs it.
fn python() -> Utf8PathBuf {
    let folder = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/alo-test-cache/moto-5.2.5");
    fs_err::create_dir_all(&folder).expect("the tests' cache");
    let python = folder.join("venv/bin/python");
    let lock = fs_err::File::create(folder.join("lock")).expect("a lock");
    rustix::fs::flock(lock.file(), rustix::fs::FlockOperation::LockExclusive).expect("the lock");
    let complete = folder.join("complete");
    if !complete.exists() {
        let run = |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).output().expect("it starts");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        run("python3", &["-m", "venv", "--clear", folder.join("venv").as_str()]);
        run(python.as_str(), &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE]);
        fs_err::write(&complete, "").expect("the mark");
    }
    python
}
