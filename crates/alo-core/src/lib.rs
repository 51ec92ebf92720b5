//! The alo engine: runs every step of a plan through an executor and tells an observer.
