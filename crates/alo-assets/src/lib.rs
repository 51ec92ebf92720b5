//! Step code and Python environments for alo: git and local sources, interpreters, installers.

pub mod guard;
pub mod unpack;
