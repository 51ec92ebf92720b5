//! Hides credentials in text that people or records get to see.

/// Replaces the user information of every `scheme://…@host` URL in `text` by `***`.
///
/// The user name of an ssh URL is no secret and stays; a password after it goes.
///
/// ```
/// use alo_assets::redact;
///
/// assert_eq!(redact("get https://me:s3cret@host/r.git now"), "get https://***@host/r.git now");
/// assert_eq!(redact("ssh://git@host/r.git"), "ssh://git@host/r.git");
/// ```
pub fn redact(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = rest.find("://") {
        let (before, after) = rest.split_at(found + 3);
        shown.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '<' | '>' | '`' | '?' | '#'))
            .unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        match authority.rsplit_once('@') {
            Some((user, host)) => {
                let is_ssh = before.ends_with("ssh://");
                match user.split_once(':') {
                    None if is_ssh => shown.push_str(user),
                    Some((name, _)) if is_ssh => {
                        shown.push_str(name);
                        shown.push_str(":***");
                    }
                    _ => shown.push_str("***"),
                }
                shown.push('@');
                shown.push_str(host);
            }
            None => shown.push_str(authority),
        }
        rest = tail;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn hides_every_user_information_and_nothing_else() {
        for (text, shown) in [
            ("plain text, a@b.c", "plain text, a@b.c"),
            ("https://token@host/a https://u:p@b/c", "https://***@host/a https://***@b/c"),
            ("https://u:p@ss@host/a", "https://***@host/a"),
            ("x @ git+https://u:p@host/r@v1", "x @ git+https://***@host/r@v1"),
            ("ssh://git:pw@host/r", "ssh://git:***@host/r"),
            ("https://host/a@b", "https://host/a@b"),
            ("'https://u:p@host'", "'https://***@host'"),
        ] {
            assert_eq!(redact(text), shown);
        }
    }
}
