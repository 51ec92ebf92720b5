//! What programs (`ssh`, `git`) say on stderr when they fail, and the kind of failure that it tells of.

use super::context::TransportError;

/// The failure that a program's words tell of; `otherwise` makes one of those that tell nothing more.
pub(super) fn classify(complaint: &str, otherwise: fn(String) -> TransportError) -> TransportError {
    let small = complaint.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| small.contains(part));
    let text = complaint.to_owned();
    if says(&[
        "permission denied",
        "host key verification failed",
        "access denied",
        "authentication failed",
        "could not read username",
        "could not read password",
    ]) {
        TransportError::Refused(text)
    } else if says(&["returned error: 403"]) {
        TransportError::Forbidden(text)
    } else if says(&["repository", "project"])
        && says(&["not found", "not be found", "does not exist", "does not appear"])
    {
        TransportError::NotFound(text)
    } else {
        otherwise(text)
    }
}

/// Whether the words tell of a fault that may pass.
pub(super) fn is_transient(complaint: &str) -> bool {
    let small = complaint.to_ascii_lowercase();
    let passing = [
        "connection reset",
        "connection closed by",
        "temporary failure",
        "broken pipe",
        "early eof",
        "the remote end hung up unexpectedly",
        "returned error: 5",
        "returned error: 429",
    ];
    passing.iter().any(|part| small.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(complaint: &str) -> TransportError {
        classify(complaint, TransportError::Ssh)
    }

    #[test]
    fn the_complaint_tells_the_kind_of_failure() {
        assert!(matches!(of("git@h: Permission denied (publickey)."), TransportError::Refused(_)));
        assert!(matches!(of("ERROR: Repository not found."), TransportError::NotFound(_)));
        assert!(matches!(of("ssh: Could not resolve hostname h"), TransportError::Ssh(_)));
        let helper = "fatal: could not read Username for 'https://h': terminal prompts disabled";
        assert!(matches!(of(helper), TransportError::Refused(_)));
        assert!(matches!(of("The requested URL returned error: 403"), TransportError::Forbidden(_)));
    }

    #[test]
    fn a_fault_that_may_pass_is_told_from_one_that_stays() {
        assert!(is_transient("kex_exchange_identification: Connection closed by remote host"));
        assert!(is_transient("The requested URL returned error: 503"));
        assert!(!is_transient("fatal: unable to access 'https://h/': Could not resolve host: h"));
    }
}
