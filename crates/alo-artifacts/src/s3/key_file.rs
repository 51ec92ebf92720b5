//! `s3_private_key_file`: a file that holds an access key and a secret key.
//!
//! Three forms: a header row and a row `access,secret` (ALO 1.0 from November 2023 on); the table the AWS console gives, whose
//! columns are known by their headers; the access key on the first line and the secret on the second (ALO 1.0 before).

use super::keys::Keys;

/// What is wrong with a key file. Nothing of its content is in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// There is nothing in it.
    Empty,
    /// It has more or fewer lines or columns than any form.
    Shape,
    /// One of the two keys is empty or has blanks in it.
    Key,
}

impl Malformed {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "it is empty",
            Self::Shape => "it is neither a header line and a line `access key,secret key`, nor two lines",
            Self::Key => "one of the two keys is empty or has blanks in it",
        }
    }
}

/// Reads the keys from the text of a key file.
pub(crate) fn parse(text: &str) -> Result<Keys, Malformed> {
    let lines: Vec<Vec<String>> = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| line.split(',').map(cell).collect())
        .collect();
    let (access, secret) = match lines.as_slice() {
        [] => return Err(Malformed::Empty),
        [header, row] if header.len() >= 2 && row.len() >= 2 => {
            let named = |words: &[&str]| {
                header.iter().position(|name| {
                    let name = name.to_lowercase();
                    words.iter().all(|word| name.contains(word))
                })
            };
            // `Access key ID,Secret access key`, in the AWS console beside `User name` and others.
            let secret = named(&["secret"]);
            let access = named(&["access", "id"])
                .or_else(|| named(&["access"]).filter(|at| Some(*at) != secret))
                .filter(|_| secret.is_some());
            match (access, secret) {
                (Some(access), Some(secret)) => (row.get(access), row.get(secret)),
                _ if header.len() == 2 && row.len() == 2 => (row.first(), row.get(1)),
                _ => return Err(Malformed::Shape),
            }
        }
        [first, second] if first.len() == 1 && second.len() == 1 => (first.first(), second.first()),
        [only] if only.len() == 2 => (only.first(), only.get(1)),
        _ => return Err(Malformed::Shape),
    };
    let key = |key: Option<&String>| {
        key.filter(|key| !key.is_empty() && !key.contains(char::is_whitespace)).cloned().ok_or(Malformed::Key)
    };
    Ok(Keys { access: key(access)?, secret: key(secret)?, token: None })
}

/// A cell without blanks and quotes around it; keys hold neither commas nor quotes.
fn cell(text: &str) -> String {
    let text = text.trim();
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_gives_the_same_keys() {
        let forms = [
            "Access key ID,Secret access key\nAKIA,se/cr+et=\n",
            "access_key,secret_key\r\n AKIA , se/cr+et= \r\n",
            "a,b\nAKIA,se/cr+et=",
            "\u{feff}User name,Password,Access key ID,Secret access key,Console login link\nme,,AKIA,se/cr+et=,https://x\n",
            "\"Access key ID\",\"Secret access key\"\n\"AKIA\",\"se/cr+et=\"",
            "Secret access key,Access key ID\nse/cr+et=,AKIA",
            "AKIA\nse/cr+et=\n",
            "\n  AKIA  \n\n se/cr+et=\n\n",
            "AKIA,se/cr+et=",
        ];
        for form in forms {
            let keys = parse(form).expect(form);
            assert_eq!((keys.access.as_str(), keys.secret.as_str()), ("AKIA", "se/cr+et="), "{form}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let faults = [
            ("", Malformed::Empty),
            ("\n \n", Malformed::Empty),
            ("AKIA", Malformed::Shape),
            ("a,b\nAKIA,x\nAKIA,y", Malformed::Shape),
            ("a,b,c\n1,2,3", Malformed::Shape),
            ("access,secret\nAKIA,", Malformed::Key),
            ("two words\nsecret", Malformed::Key),
        ];
        for (text, fault) in faults {
            assert_eq!(parse(text).expect_err(text), fault, "{text}");
        }
    }
}
