//! What programs (`ssh`, `git`) say on stderr when they fail, and the kind of failure that it tells of.

/// What a complaint is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Complaint {
    /// The server wants other credentials, or any.
    Refused,
    /// The server knows who asks, and does not let him in.
    Forbidden,
    /// The server knows no such repository.
    NotFound,
    /// Anything else.
    Other,
}

/// What a program's words are about.
pub(super) fn classify(complaint: &str) -> Complaint {
    let small = complaint.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| small.contains(part));
    if says(&[
        "permission denied",
        "host key verification failed",
        "access denied",
        "authentication failed",
        "could not read username",
        "could not read password",
    ]) {
        Complaint::Refused
    } else if says(&["returned error: 403"]) {
        Complaint::Forbidden
    } else if says(&["repository", "project"])
        && says(&["not found", "not be found", "does not exist", "does not appear"])
    {
        Complaint::NotFound
    } else {
        Complaint::Other
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

    #[test]
    fn the_complaint_tells_the_kind_of_failure() {
        for (complaint, kind) in [
            ("git@h: Permission denied (publickey).", Complaint::Refused),
            ("fatal: could not read Username for 'https://h': terminal prompts disabled", Complaint::Refused),
            ("The requested URL returned error: 403", Complaint::Forbidden),
            ("ERROR: Repository not found.", Complaint::NotFound),
            ("ssh: Could not resolve hostname h", Complaint::Other),
        ] {
            assert_eq!(classify(complaint), kind, "{complaint}");
        }
    }

    #[test]
    fn a_fault_that_may_pass_is_told_from_one_that_stays() {
        assert!(is_transient("kex_exchange_identification: Connection closed by remote host"));
        assert!(is_transient("The requested URL returned error: 503"));
        assert!(!is_transient("fatal: unable to access 'https://h/': Could not resolve host: h"));
    }
}
