//! What goes wrong with S3, told apart by what a user can do about it.

use camino::Utf8PathBuf;
use jiff::Timestamp;
use object_store::client::{HttpError, HttpErrorKind};

use super::credentials::CredentialsError;
use crate::storage_error::StorageError;

/// Something about S3 that did not work. No message holds a key or an answer of the server as it came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum S3Error {
    /// The credentials.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The server refused, or was not there.
    #[error("`{url}`: {fault}")]
    Request {
        /// What was asked for.
        url: String,
        /// Why not.
        fault: S3Fault,
        /// The server.
        endpoint: String,
        /// Where the credentials come from.
        from: String,
    },
    /// Nothing lies there.
    #[error("there is nothing at `{url}`")]
    Missing {
        /// The object or prefix.
        url: String,
    },
    /// A key that cannot be the name of a file.
    #[error("the key `{key}` cannot be the name of a file: {why}")]
    Key {
        /// The key, or what is known of it.
        key: String,
        /// Why not.
        why: &'static str,
    },
    /// An object that changes while it is read, again and again.
    #[error("`{url}` is being written by someone else")]
    Changing {
        /// The object.
        url: String,
    },
    /// An object that arrived in another length than the server says.
    #[error("`{url}` did not arrive whole")]
    Damaged {
        /// The object.
        url: String,
    },
    /// A bucket that cannot be one.
    #[error("`{bucket}` is no name of a bucket")]
    BucketName {
        /// As written.
        bucket: String,
    },
    /// An endpoint or region that cannot be one.
    #[error("`{variable}` is no {what}")]
    Setting {
        /// Where it was set.
        variable: &'static str,
        /// What it should be.
        what: &'static str,
    },
    /// A file that is too big for one object.
    #[error("`{path}` is too big for one object of S3")]
    TooBig {
        /// The file.
        path: Utf8PathBuf,
    },
    /// The machinery for connections could not be started.
    #[error("start the connection to S3")]
    Start(#[source] std::io::Error),
    /// A file of this machine.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The user asked to stop.
    #[error("stopped on request")]
    Stopped,
}

/// Why a server did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum S3Fault {
    /// `InvalidAccessKeyId`.
    #[error("the server does not know the access key")]
    UnknownKey,
    /// `SignatureDoesNotMatch`.
    #[error("the secret key does not belong to the access key")]
    WrongSecret,
    /// `ExpiredToken`, `InvalidToken`.
    #[error("the session token is no longer valid")]
    Expired,
    /// `RequestTimeTooSkewed`.
    #[error("the clock of this machine is {} the server's", away(*.seconds))]
    Skew {
        /// By how much this machine's clock is ahead of the server's; negative: behind.
        seconds: Option<i64>,
    },
    /// The bucket lies in another region.
    #[error("the bucket lies in {}", .region.as_ref().map_or_else(|| "another region".to_owned(), |region| format!("the region `{region}`")))]
    WrongRegion {
        /// Which, if the server says it.
        region: Option<String>,
    },
    /// `NoSuchBucket`.
    #[error("there is no such bucket")]
    NoBucket,
    /// `AccessDenied`.
    #[error("access is denied")]
    Denied,
    /// There is no such object.
    #[error("there is no such object")]
    NoObject,
    /// The object is not the one that was asked for any more.
    #[error("the object has changed")]
    Changed,
    /// No connection could be made.
    #[error("the server cannot be reached: {why}")]
    Unreachable {
        /// What the system says.
        why: String,
    },
    /// The server stopped answering.
    #[error("the server does not answer in time")]
    Stalled,
    /// The server is overloaded, or fails.
    #[error("the server fails with status {status}, again and again")]
    Busy {
        /// The HTTP status.
        status: u16,
    },
    /// Anything else, in the server's or the system's words.
    #[error("{why}")]
    Other {
        /// What is known.
        why: String,
    },
}

fn away(seconds: Option<i64>) -> String {
    let Some(seconds) = seconds else { return "too far from".to_owned() };
    let (size, direction) = (seconds.unsigned_abs(), if seconds < 0 { "behind" } else { "ahead of" });
    let amount = match size {
        0..120 => format!("{size} s"),
        120..7200 => format!("{} min", size / 60),
        7200..172_800 => format!("{} h", size / 3600),
        _ => format!("{} days", size / 86_400),
    };
    format!("{amount} {direction}")
}

impl S3Error {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Credentials(error) => error.hint(),
            Self::Request { fault, endpoint, from, url } => fault.hint(url, endpoint, from),
            Self::Missing { .. } => {
                Some("check the spelling, also of upper and lower case; a prefix without a file in it counts as missing".into())
            }
            Self::Key { .. } => Some("rename the object, or name a prefix that does not hold it".into()),
            Self::Changing { .. } => Some("start again when the object is complete".into()),
            Self::Damaged { .. } => Some("start again; what has arrived is kept".into()),
            Self::BucketName { .. } => Some("write `s3://bucket/folder/`".into()),
            Self::Setting { what, .. } => Some(match *what {
                "URL" => "write `https://host` or `http://host:port`".into(),
                _ => "write it as in `ap-northeast-2`".into(),
            }),
            Self::Storage(error) => error.hint(),
            Self::TooBig { .. } | Self::Start(_) | Self::Stopped => None,
        }
    }

    /// Whether it is worth another try.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Request { fault: S3Fault::Other { .. } | S3Fault::Stalled | S3Fault::Busy { .. }, .. }
                | Self::Damaged { .. }
        )
    }

    /// The fault of a request.
    pub(crate) fn fault(&self) -> Option<&S3Fault> {
        match self {
            Self::Request { fault, .. } => Some(fault),
            _ => None,
        }
    }
}

impl S3Fault {
    fn hint(&self, url: &str, endpoint: &str, from: &str) -> Option<String> {
        Some(match self {
            Self::UnknownKey => format!(
                "the keys come from {from}; were they deactivated, or is `{endpoint}` another provider's?"
            ),
            Self::WrongSecret => format!("the keys come from {from}; copy the secret key again"),
            Self::Expired => format!("the keys come from {from}; get new ones"),
            Self::Skew { .. } => "set the clock, e.g. by `timedatectl set-ntp true`".into(),
            Self::WrongRegion { region } => match region {
                Some(region) => format!("set `AWS_REGION={region}`"),
                None => "set `AWS_REGION` to the region of the bucket".into(),
            },
            Self::NoBucket => format!("check the spelling of the bucket; it was looked for at `{endpoint}`"),
            Self::Denied => format!(
                "the keys come from {from}; they need `s3:ListBucket` and `s3:GetObject` to load, `s3:PutObject` to save"
            ),
            Self::Unreachable { .. } => {
                format!("check the network, the proxy, and `AWS_ENDPOINT_URL`; the server is `{endpoint}`")
            }
            Self::Stalled | Self::Busy { .. } => format!("start again later; the server is `{endpoint}`"),
            Self::NoObject | Self::Changed => format!("was `{url}` changed meanwhile? start again"),
            Self::Other { .. } => return None,
        })
    }

    /// Understands what the S3 library says.
    pub(crate) fn of(error: &object_store::Error) -> Self {
        // The library keeps status and answer private; both are in its text.
        let text = error.to_string();
        let region = || tag(&text, "Region").or_else(|| tag(&text, "BucketRegion")).map(str::to_owned);
        match tag(&text, "Code") {
            Some("InvalidAccessKeyId" | "NotSignedUp") => return Self::UnknownKey,
            Some("SignatureDoesNotMatch") => return Self::WrongSecret,
            Some("ExpiredToken" | "InvalidToken" | "TokenRefreshRequired") => return Self::Expired,
            Some("RequestTimeTooSkewed") => {
                let server = tag(&text, "ServerTime").and_then(|time| time.parse::<Timestamp>().ok());
                let seconds = server.map(|server| Timestamp::now().as_second() - server.as_second());
                return Self::Skew { seconds };
            }
            Some("PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed") => {
                return Self::WrongRegion { region: region() };
            }
            Some("NoSuchBucket" | "InvalidBucketName") => return Self::NoBucket,
            Some("NoSuchKey") => return Self::NoObject,
            Some("AccessDenied" | "AllAccessDisabled" | "AccountProblem") => return Self::Denied,
            Some("PreconditionFailed") => return Self::Changed,
            _ => {}
        }
        match error {
            object_store::Error::NotFound { .. } => return Self::NoObject,
            object_store::Error::Precondition { .. } => return Self::Changed,
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                return Self::Denied;
            }
            _ => {}
        }
        if text.contains("Received redirect without LOCATION") {
            return Self::WrongRegion { region: None };
        }
        if let Some(status) = status(&text) {
            return match status {
                301 | 307 => Self::WrongRegion { region: region() },
                401 | 403 => Self::Denied,
                404 => Self::NoObject,
                412 => Self::Changed,
                429 | 500.. => Self::Busy { status },
                _ => {
                    let said = [tag(&text, "Code"), tag(&text, "Message")];
                    let said: Vec<_> = said.into_iter().flatten().collect();
                    Self::Other {
                        why: format!("the server says {status} {}", said.join(": ")).trim_end().to_owned(),
                    }
                }
            };
        }
        Self::of_connection(error)
    }

    fn of_connection(error: &object_store::Error) -> Self {
        let mut innermost: &dyn std::error::Error = error;
        let mut kind = None;
        while let Some(source) = innermost.source() {
            innermost = source;
            if let Some(http) = source.downcast_ref::<HttpError>() {
                kind = Some(http.kind());
            }
        }
        let why = innermost.to_string();
        match kind {
            Some(HttpErrorKind::Connect) => Self::Unreachable { why },
            Some(HttpErrorKind::Timeout) => Self::Stalled,
            _ => Self::Other { why },
        }
    }
}

/// The text of an XML element in an answer.
fn tag<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    Some(rest.split_once("</")?.0.trim())
}

/// The HTTP status in a text of the library.
fn status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: &str, body: &str) -> S3Fault {
        let text = format!("Server returned non-2xx status code: {status}: {body}");
        S3Fault::of(&object_store::Error::Generic { store: "S3", source: text.into() })
    }

    #[test]
    fn answers_are_told_apart() {
        let code = |code: &str| {
            answered(
                "403 Forbidden",
                &format!("<Error><Code>{code}</Code><AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>"),
            )
        };
        assert_eq!(code("InvalidAccessKeyId"), S3Fault::UnknownKey);
        assert_eq!(code("SignatureDoesNotMatch"), S3Fault::WrongSecret);
        assert_eq!(code("ExpiredToken"), S3Fault::Expired);
        assert_eq!(code("AccessDenied"), S3Fault::Denied);
        assert_eq!(code("NoSuchBucket"), S3Fault::NoBucket);
        assert_eq!(answered("403 Forbidden", ""), S3Fault::Denied);
        assert_eq!(answered("503 Slow Down", "<Code>SlowDown</Code>"), S3Fault::Busy { status: 503 });
        let elsewhere = answered(
            "400 Bad Request",
            "<Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region>",
        );
        assert_eq!(elsewhere, S3Fault::WrongRegion { region: Some("eu-west-1".into()) });
        let other =
            answered("400 Bad Request", "<Code>Odd</Code><Message>very odd</Message><Secret>x</Secret>");
        assert_eq!(other.to_string(), "the server says 400 Odd: very odd");
    }

    #[test]
    fn a_wrong_clock_is_measured() {
        let three_hours_ago =
            Timestamp::from_second(Timestamp::now().as_second() - 3 * 3600).expect("a time");
        let fault = answered(
            "403 Forbidden",
            &format!("<Code>RequestTimeTooSkewed</Code><ServerTime>{three_hours_ago}</ServerTime>"),
        );
        assert_eq!(fault.to_string(), "the clock of this machine is 3 h ahead of the server's");
    }
}
