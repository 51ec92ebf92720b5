//! `set_up` as a caller sees it, against real repositories, interpreters, wheels and servers.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stderr, reason = "a half of a test that cannot be done here says so")]

mod bench;
mod code;
mod eject;
mod environments;
mod failures;
mod finishing;
mod folders;
mod forms;
mod git_backend;
mod git_daemon;
mod git_machine;
mod git_program;
mod git_server;
mod http_backend;
mod index_server;
mod interpreters;
mod locked;
mod offline;
mod plain_server;
mod policies;
mod real_uv;
mod repository;
mod servers;
mod split;
mod submodules;
mod uv_commands;
mod warm;
mod wheel;
