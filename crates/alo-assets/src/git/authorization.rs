//! How a user name and a password are told to an HTTP server.

use super::url::Credentials;

/// The value of an `Authorization` header (RFC 7617).
pub(super) fn basic(credentials: &Credentials) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = format!("{}:{}", credentials.user, credentials.password);
    let mut value = String::from("Basic ");
    for group in text.as_bytes().chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) & 63;
            value.push(if place <= group.len() { char::from(DIGITS[digit as usize]) } else { '=' });
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_credentials_as_the_standard_says() {
        let encode = |user: &str, password: &str| {
            basic(&Credentials { user: user.to_owned(), password: password.to_owned() })
        };
        assert_eq!(encode("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(encode("", ""), "Basic Og==");
        assert_eq!(encode("a", "b"), "Basic YTpi");
        assert_eq!(encode("ab", "cd"), "Basic YWI6Y2Q=");
    }
}
