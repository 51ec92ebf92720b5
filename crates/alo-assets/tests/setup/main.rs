//! `set_up` as a caller sees it, against real repositories, interpreters, wheels and servers.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bench;
mod code;
mod eject;
mod environments;
mod finishing;
mod git_backend;
mod git_daemon;
mod git_server;
mod http_backend;
mod interpreters;
mod locked;
mod policies;
mod repository;
mod servers;
mod split;
mod submodules;
mod warm;
mod wheel;
